"""Removes HTML from a text. What only looks like HTML stays: "a<b and c>d", <address>, List<String>, <time.h>.

A tag has the name of an element, and attributes of the forms name=value and name; a bare name must be one that HTML
knows. A tag that could be a placeholder, such as <time>, needs evidence besides: a known attribute or its closing tag.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.entities import html5

ROUNDS = 8  # of removing and decoding; each may reveal what the next one removes

# Elements within a word or a line: they leave no space.
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd label mark nobr q rp rt ruby s samp small span "  # noqa: SIM905
    "strike strong sub sup time tt u var wbr".split()
)
# Elements at which a line ends.
_LINES = frozenset("br div h1 h2 h3 h4 h5 h6 li p tr".split())  # noqa: SIM905
_BLOCKS = frozenset(
    "address area article aside audio base blockquote body button canvas caption center col colgroup dd details dl dt "  # noqa: SIM905
    "embed fieldset figcaption figure footer form head header hgroup hr html iframe img input legend link main "
    "marquee meta nav noscript object ol optgroup option param picture pre script section select source style summary "
    "svg table tbody td template textarea tfoot th thead title track ul video".split()
)
_ELEMENTS = _INLINE | _LINES | _BLOCKS
# They stand alone in HTML, and nobody names a placeholder so.
_ALONE = frozenset("br hr img li p wbr".split())  # noqa: SIM905

_BARE_ATTRIBUTES = frozenset(
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled download hidden inert "  # noqa: SIM905
    "ismap itemscope loop multiple muted nohref noresize noshade novalidate nowrap open playsinline readonly required "
    "reversed selected truespeed".split()
)
_ATTRIBUTES = frozenset(
    "abbr accept action align alink alt autocomplete background bgcolor border bordercolor cellpadding cellspacing "  # noqa: SIM905
    "charset cite class clear color cols colspan content coords data datetime dir download enctype face frameborder "
    "headers height href hreflang hspace http-equiv id itemid itemprop itemscope itemtype lang language link loading "
    "marginheight marginwidth maxlength media method name placeholder poster property rel rev role rows rowspan rules "
    "sandbox scope scrolling size sizes span src srcdoc srcset start style summary tabindex target text title "
    "topmargin type usemap valign value vlink vspace width wrap xml:lang xmlns".split()
)
_ATTRIBUTE_OF_ALL = re.compile(r"(?:data|aria)-|on[a-z]+$|xmlns:")

# No possessive quantifiers: Python before 3.11.5 matches groups in them wrongly (python/cpython#106052).
# Attributes are read one by one and never past the next "<": the work is linear in the length of the text.
_START = re.compile(r"<(?P<slash>/?)(?P<name>[A-Za-z][A-Za-z0-9]*)(?=[\s/>])")
_VALUE = r"""\s*=\s*(?:"[^"<]*"|'[^'<]*'|["']?[^\s<>"'`{][^\s<>"'`]*)"""
_ATTRIBUTE = re.compile(rf"(?:[\s/\\]+|(?<=[\"']))(?P<name>[A-Za-z_:@][\w:.-]*)(?P<value>{_VALUE})?")
_END = re.compile(r"\s*/?\s*>")

# What a browser does not show, with its content; and the end of each.
_HIDDEN = tuple(
    (re.compile(whole, re.IGNORECASE | re.DOTALL), re.compile(end, re.IGNORECASE))
    for whole, end in (
        (r"<script\b[^<>]*>.*?</script\s*>", r"</script\s*>"),
        (r"<style\b[^<>]*>.*?</style\s*>", r"</style\s*>"),
        ("<!--.*?-->", "-->"),
        (r"<!doctype\s[^<>]*>", ">"),
    )
)

# Entities must end in a semicolon: "?page=1&copy=2" has none. Of &amp;amp;lt; all is decoded at once.
_ENTITY = re.compile(
    r"&(?P<ampersands>(?:(?:amp|AMP|#0{0,4}38|#[xX]0{0,4}26);)*)"
    r"(?P<last>(?:#\d{1,8}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)?"
)


def without_html(text: str) -> str:
    """The text without tags, scripts, styles and comments, and with its entities decoded."""
    for _ in range(ROUNDS):
        if "<" not in text and "&" not in text:
            return text
        before = text
        text = without_tags(without_hidden(_ENTITY.sub(decoded, text)))
        if text == before:
            return text
    return text


def decoded(entity: re.Match[str]) -> str:
    """The character that an entity stands for; an unknown one stays."""
    last = entity["last"] or ""
    if last.startswith("#"):
        return html.unescape(f"&{last}")
    if last in html5:  # html.unescape would make ©right; of &copyright;
        return html5[last]
    return f"&{last}"


def without_hidden(text: str) -> str:
    """Removes scripts, styles and comments.

    Only the text before the last end is searched: the pattern would need quadratic time for elements without an end.
    """
    for whole, closing in _HIDDEN:
        end = max((match.end() for match in closing.finditer(text)), default=0)
        text = whole.sub(" ", text[:end]) + text[end:]
    return text


@dataclass(frozen=True)
class Tag:
    start: int
    end: int
    name: str  # in lower case
    is_known: bool  # whether HTML has an element of this name
    is_closing: bool
    is_empty: bool  # whether it ends in "/>"
    is_complete: bool  # whether it has the form of a tag of HTML, to its end
    is_sure: bool  # whether it is no placeholder even if it stands alone

    @property
    def space(self) -> str:
        """What stays where the tag was."""
        if self.name in _INLINE:
            return ""
        return "\n" if self.name in _LINES else " "


def without_tags(text: str) -> str:
    pieces, end = [], 0
    tags = list(tags_of(text))
    html_tags = [tag for tag in tags if tag.is_known]
    if is_other_markup(tags, html_tags):
        return text
    for tag in removable(html_tags):
        pieces += [text[end : tag.start], tag.space]
        end = tag.end
    return "".join(pieces) + text[end:]


def tags_of(text: str) -> Iterator[Tag]:
    """Everything that begins as a tag does, in order."""
    for start in _START.finditer(text):
        name = start["name"].lower()
        attributes = list(attributes_at(text, start.end()))
        end = _END.match(text, attributes[-1].end() if attributes else start.end())
        is_closing = start["slash"] == "/"
        yield Tag(
            start=start.start(),
            end=end.end() if end else start.end(),
            name=name,
            is_known=name in _ELEMENTS and start["name"] in (name, name.upper()),  # <Link> and <Table> are components
            is_closing=is_closing,
            is_empty=end is not None and "/" in end.group(),
            is_complete=end is not None and all(map(may_be_attribute, attributes)) and not (is_closing and attributes),
            is_sure=name in _ALONE or any(map(is_known_attribute, attributes)),
        )


def attributes_at(text: str, position: int) -> Iterator[re.Match[str]]:
    """The attributes that follow each other from a position on."""
    while attribute := _ATTRIBUTE.match(text, position):
        yield attribute
        position = attribute.end()


def is_other_markup(tags: list[Tag], html_tags: list[Tag]) -> bool:
    """Whether the text is XML or JSX, in which a name that HTML knows means something else."""
    n_other = sum((tag.is_closing or tag.is_empty) and not tag.is_known for tag in tags)
    return n_other > sum(tag.is_complete for tag in html_tags)


def may_be_attribute(attribute: re.Match[str]) -> bool:
    return attribute["value"] is not None or attribute["name"].lower() in _BARE_ATTRIBUTES


def is_known_attribute(attribute: re.Match[str]) -> bool:
    name = attribute["name"].lower()
    return attribute["value"] is not None and (name in _ATTRIBUTES or _ATTRIBUTE_OF_ALL.match(name) is not None)


def removable(tags: list[Tag]) -> Iterator[Tag]:
    """The tags that are no placeholders.

    An opening tag is sure or is closed later. A closing tag closes one of these, or the start of the text is cut off.
    """
    last_closing = {tag.name: tag.start for tag in tags if tag.is_closing and tag.is_complete}
    is_removed: dict[str, bool] = {}  # by name: whether an opening tag before this one is removed
    for tag in tags:
        if tag.is_closing:
            is_tag = tag.is_complete and is_removed.get(tag.name, True)
        else:
            is_tag = tag.is_complete and (tag.is_sure or last_closing.get(tag.name, -1) > tag.start)
            is_removed[tag.name] = is_removed.get(tag.name, False) or is_tag
        if is_tag:
            yield tag
