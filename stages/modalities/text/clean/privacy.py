"""What in a text says who somebody is, or how to reach or charge them: e-mail addresses, phone numbers, cards, IBANs, IP addresses, id numbers.

A number by itself says little: 4155550132 is a phone number or an order. The nearest word before it decides ("call", "order"); without such a word
only what its spelling or its check digits prove counts.
"""

import importlib
import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

KINDS = ("email", "phone", "card", "iban", "ip", "id")
REACH = 40  # characters before a number in which a word may say what it is
CLOSE = 1  # words, but for such as "number", that may stand between "order" and its number
WINDOW = 8  # groups of digits that one number may have

# Most texts hold nothing of the kind, and these say so ten times faster than a search.
_DIGITS_NEARBY = re.compile(r"\d(?:\D{0,3}\d){5}")
_SPELLED_AT = re.compile(r"[\[({]\s?(?:at|AT)\s?[\])}]| dot ")
_URL = re.compile(r"\b(?:https?://|www\.)[^\s<>\"']+", re.IGNORECASE)

_LETTER = "A-Za-z\u00c0-\u04ff"  # Latin, Greek, Cyrillic: where other scripts stand without a space before an address, it begins behind them
_LOCAL = rf"(?<![{_LETTER}\d.+%@_-])[{_LETTER}\d](?:[{_LETTER}\d.+%'_-]{{0,62}}[{_LETTER}\d+_-])?"
_DOMAIN = rf"(?:[{_LETTER}\d](?:[{_LETTER}\d-]{{0,61}}[{_LETTER}\d])?\.){{1,6}}[{_LETTER}]{{2,24}}"
_EMAIL = re.compile(rf"(?P<local>{_LOCAL})@(?P<domain>{_DOMAIN})(?P<path>:[\w~/])?")
_NAME = r"[A-Za-z\d][A-Za-z\d.+_-]{0,62}"
_DOT = r"(?:\s?[\[({]\s?(?:dot|DOT)\s?[\])}]\s?| dot |\.)"
_SPELLED_OUT = re.compile(
    rf"(?<![\w.+-])(?:{_NAME}\s?[\[({{]\s?(?:at|AT)\s?[\])}}]\s?(?:[A-Za-z\d-]{{1,63}}{_DOT}){{1,3}}[A-Za-z]{{2,10}}"
    rf"|{_NAME}(?: dot [A-Za-z\d]{{1,30}}){{0,2}} at (?:[A-Za-z\d-]{{1,63}} dot ){{1,3}}(?:com|org|net|edu|gov|info|io|co|[a-z]{{2}}))(?![\w-])"
)
_ASSET = re.compile(r"\d+x\.(?:png|jpe?g|gif|webp|svg)$", re.IGNORECASE)  # icon@2x.png

_IBAN = re.compile(r"(?<![A-Za-z\d])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z\d]){11,34}")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?=[\dA-Fa-f:]*:[\dA-Fa-f]*:)[\dA-Fa-f:]{6,39}(?![\w:])")
_IPV6_NETWORKS = tuple(map(ipaddress.ip_network, ("2000::/3", "fc00::/7", "fe80::/10")))

_DIGITS = re.compile(
    r"(?<![A-Za-z\d])(?<!\d[.,:])(?:\+ ?)?\(?\d(?:[ .()/\-\u2013\u2011]{0,3}\d)+(?:-?[A-Za-z]{1,2}(?![A-Za-z\d]))?"
)
_CODE = re.compile(r"(?<![A-Za-z\d])[A-Za-z]{1,6}-?\d[A-Za-z\d]{4,15}(?:-[A-Za-z])?(?![A-Za-z\d])")
_NINO = re.compile(
    r"(?<![A-Za-z\d])[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D](?![A-Za-z\d])"
)  # the United Kingdom's, which has no check digit
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DATE = re.compile(
    rf"\(?(?:{_DAY}[./-]{_DAY}[./-](?:\d\d|(?:19|20)\d\d)|(?:19|20)\d\d[./-]{_DAY}[./-]{_DAY}|(?:1\d|20)\d\d ?[-\u2013/] ?(?:1\d|20)\d\d)(?![./-]?\d)"
)
_THOUSANDS = re.compile(r"\d{1,2}([ .])\d{3}(?:\1\d{3})+")
_DECIMAL = re.compile(r"\d{1,3}\.\d{5,}")

_CARD = re.compile(r"\d{12,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5}")
_ISSUER = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|(?:6011|65\d\d|64[4-9]\d|35\d\d)\d{12}|3[068]\d{12}"
)
_NORTH_AMERICAN = re.compile(r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d([ .-]))[2-9]\d\d[ .-]\d{4}")
_TRUNK = re.compile(r"\(?0[1-9][\d ()./\-\u2013\u2011]*")
_PHONE_COUNTRIES = (
    "US GB DE FR ES IT NL BE CH AT PL PT SE NO DK FI IE CZ SK HU RO BG HR SI RS GR TR RU UA LT LV EE IL AE SA EG MA NG KE ZA IN PK BD CN HK TW JP KR "
    "SG MY ID PH TH VN AU NZ BR MX AR CL CO PE"
)

_WORDS = {
    "phone": (
        "call calls called calling callback freephone freefone phone phoned telephone tel telephones mobile mob mobiles cell cellphone landline fax ring "
        "rang dial dialled dialed text texted txt sms whatsapp signal telegram viber hotline helpline custcare contact reach ph telefon telefonnummer "
        "telefonisch handy handynummer mobilnummer mobil rufnummer anrufen ruf rufe durchwahl festnetz natel téléphone tél portable appelez appeler "
        "appelle appel joignable gsm teléfono telefono telefonos móvil movil celular llámame llame llamar llamame llamé llamo fono cellulare chiamami "
        "chiamare chiama telefone telemóvel telemovel ligue ligar liga liguei zap bel bellen gebeld telefoon telefoonnummer mobiel komórka komórkowy "
        "zadzwoń dzwonić zadzwonić dzwoń tlf tlfnr mobiltelefon mobilnr ringe puhelin puh puhelinnumero soita soittaa matkapuhelin позвоните звоните "
        "звонить тел телефон телефону мобильный τηλέφωνο τηλ κινητό καλέστε telefonum telefonu ara arayın arayabilirsiniz telefonul sunați suna "
        "telefonszám hívjon mobilom telefonní mobilní volejte هاتف الهاتف جوال اتصل טלפון נייד nomor telp hubungi thoại sđt sdt"
    ),
    "card": (
        "card visa mastercard amex maestro discover kreditkarte karte kartennummer carte bancaire tarjeta carta cartão cartao creditcard kaart karta "
        "kortnummer kort kartı карта карты cc diners jcb unionpay"
    ),
    "ip": ("ip ipv4 ipv6 host server router gateway ping pinging dns subnet proxy login ssh address adresse"),
    "other": (
        "order orders bestellung auftrag commande pedido ordine ordini zamówienie заказ заказа ref reference referenz referencia invoice rechnung facture "
        "factura fattura faktura case ticket claim confirmation booking buchung reservation tracking sendung sendungsverfolgung colis suivi envío parcel "
        "paket shipment waybill serial sn imei iccid model part article artikel artikelnr item product produkt ean gtin upc barcode sku isbn issn doi "
        "arxiv pmid account konto compte cuenta conto customer kunde kd client policy police member membership mitglied student matricola matricule "
        "employee library license licence plate lot batch charge version versions release firmware build driver update kernel v section chapter § kapitel "
        "abschnitt clause windows chrome ios android patch timestamp epoch unix error hash commit bug issue pull pixel resolution population lottery lotto "
        "score scores psalm verse flight zip plz transaction txn transaktion receipt quittung password passwort type typ артикул"
    ),
}
_FILLERS = "number numbers no nr num nummer numero número numéro n id code is was with the a номер ist lautet est es è to on at of"
_NAMED_NUMBER = ("nummer", "nummern")  # Bestellnummer, kundnummer, ordernummer: a number of something
_PHRASES = {
    "other": (
        "gift card", "library card", "membership card", "loyalty card", "student card", "sim card", "meter reading", "order number", "serial number",
        "reference number", "s n", "part no", "account number", "customer number",
    ),
    "phone": ("customer service", "customer services", "customer care", "business card"),
}  # fmt: skip
# Scripts without spaces between words, where a word is found inside what stands before the number.
_INSIDE = {
    "phone": "手机 电话 電話 携帯 전화 연락처 휴대폰 โทร फोन मोबाइल",
    "card": "カード 银行卡 信用卡",
    "other": "订单 注文 单号 주문 伝票",
    "cn.ric": "身份证",
    "kr.rrn": "주민",
    "jp.in_": "マイナンバー",
    "in_.aadhaar": "आधार",
    "th.pin": "บัตรประชาชน",
}

# stdnum's name of an id number; the words that name it; the spellings (9: a digit, A: a letter) that are so long or so checked that no word is needed.
_ID_NUMBERS = (
    ("us.ssn", ("ssn", "social security"), ("999-99-9999",)),
    ("us.itin", ("itin",), ()),
    ("gb.nhs", ("nhs",), ()),
    ("gb.nino", ("nino", "ni number", "ni no", "national insurance"), ()),
    ("es.nif", ("dni", "nie", "nif"), ("99999999A", "99999999-A", "99.999.999-A", "A9999999A", "A-9999999-A")),
    ("pt.nif", ("nif", "contribuinte"), ()),
    ("it.codicefiscale", ("codice fiscale", "c f", "cf"), ("AAAAAA99A99A999A",)),
    ("fr.nir", ("nir", "sécurité sociale", "securite sociale"), ("999999999999999", "9 99 99 99 999 999 99")),
    ("de.idnr", ("steuer id", "steueridentifikationsnummer", "idnr", "identifikationsnummer", "steuernummer"), ()),
    ("at.vnr", ("sozialversicherungsnummer", "svnr", "sv nummer"), ()),
    ("nl.bsn", ("bsn", "burgerservicenummer", "sofinummer"), ()),
    ("be.nn", ("rijksregisternummer", "registre national", "numéro national"), ("99.99.99-999.99",)),
    ("pl.pesel", ("pesel",), ()),
    ("se.personnummer", ("personnummer",), ("999999-9999", "99999999-9999")),
    ("no.fodselsnummer", ("fødselsnummer", "personnummer", "fnr"), ("99999999999",)),
    ("dk.cpr", ("cpr", "personnummer"), ()),
    ("fi.hetu", ("hetu", "henkilötunnus", "henkilötunnukseni"), ("999999-9999", "999999-999A", "999999A9999", "999999A999A")),
    ("br.cpf", ("cpf",), ("999.999.999-99",)),
    ("mx.curp", ("curp",), ("AAAA999999AAAAAA99", "AAAA999999AAAAAAA9")),
    ("ar.cuit", ("cuit", "cuil"), ("99-99999999-9",)),
    ("cl.rut", ("rut", "run"), ("99.999.999-9", "99.999.999-A", "9.999.999-9", "9.999.999-A")),
    ("in_.aadhaar", ("aadhaar", "aadhar", "uidai"), ()),
    ("in_.pan", ("pan", "pan card", "pan number"), ("AAAAA9999A",)),
    ("cn.ric", (), ("999999999999999999", "99999999999999999A")),
    ("kr.rrn", (), ("999999-9999999",)),
    ("jp.in_", (), ()),
    ("za.idnr", (), ("9999999999999",)),
    ("au.tfn", ("tfn", "tax file"), ()),
    ("ca.sin", ("sin", "social insurance"), ()),
    ("ie.pps", ("pps", "ppsn"), ("9999999AA",)),
    ("ch.ssn", ("ahv", "avs", "ahv nr"), ("999.9999.9999.99",)),
    ("cz.rc", ("rodné číslo", "rodne cislo", "rč", "r č"), ("999999/9999",)),
    ("ro.cnp", ("cnp", "cod numeric"), ("9999999999999",)),
    ("tr.tckimlik", ("kimlik", "tckn", "kimlik no", "tc no"), ()),
    ("hr.oib", ("oib",), ()),
    ("bg.egn", ("егн",), ()),
    ("lt.asmens", ("asmens kodas", "kodas"), ()),
    ("ee.ik", ("isikukood",), ()),
    ("gr.amka", ("αμκα", "amka"), ()),
    ("ru.inn", ("инн",), ()),
    ("il.idnr", ("תעודת זהות", "זהות"), ()),
    ("th.pin", (), ()),
    ("id.nik", ("nik", "ktp"), ()),
)  # fmt: skip
_ID_NAMES = {name for name, _, _ in _ID_NUMBERS} - {"gb.nino"}
_ANY_ID = (
    "id number",
    "identity number",
    "identity card",
    "national id",
    "identification number",
    "tax id",
    "id no",
    "ausweisnummer",
    "passnummer",
)


@dataclass(frozen=True)
class Span:
    start: int
    end: int
    kind: str


def find_pii(text: str) -> list[Span]:
    """What was found, in the order of the text; nothing twice."""
    finders = [find for find, is_possible in _FINDERS if is_possible(text)]
    if not finders:
        return []
    plain = (
        text if text.isascii() else re.sub(r"\d", lambda digit: str(int(digit.group())), text)
    )  # Arabic, Devanagari, full-width digits
    found: list[Span] = []
    for find in finders:
        found += find(blanked(plain, found))
    return sorted(found, key=lambda span: span.start)


def blanked(text: str, spans: list[Span]) -> str:
    """The text with spaces where something was found, so that it is not found again."""
    for span in spans:
        text = text[: span.start] + " " * (span.end - span.start) + text[span.end :]
    return text


def emails(text: str) -> Iterator[Span]:
    """Written as they are, or as "jo (at) mail (dot) org"."""
    for match in _EMAIL.finditer(text):
        is_repository = match["local"].lower() == "git" and match["path"]
        if not (is_repository or _ASSET.match(match["domain"])):
            yield Span(match.start(), match.end("domain"), "email")
    for match in _SPELLED_OUT.finditer(text):
        yield Span(match.start(), match.end(), "email")


def ibans(text: str) -> Iterator[Span]:
    """Only of the length that the country has, and with right check digits."""
    for match in _IBAN.finditer(text):
        ends = [
            place
            for place in range(match.end(), match.start() + 14, -1)
            if place == len(text) or not text[place].isalnum()
        ]
        end = next((end for end in ends if is_iban(text[match.start() : end])), None)
        if end:
            yield Span(match.start(), end, "iban")


def is_iban(number: str) -> bool:
    try:
        stdnum("iban").validate(number, check_country=False)  # the list of a country's banks may be old
    except stdnum("exceptions").ValidationError:
        return False
    return True


def ips(text: str) -> Iterator[Span]:
    """Versions and sections look the same: small numbers need a word that says what they are."""
    for match in _IPV4.finditer(text):
        octets = [int(part) for part in match.group().split(".")]
        cue = cue_before(text, match.start())
        is_host = max(octets) < 256 and 0 < octets[0] < 224 and octets[0] != 127
        if is_host and "other" not in cue and ("ip" in cue or octets[0] == 10 or max(octets) > 31):
            yield Span(*match.span(), "ip")
    for match in _IPV6.finditer(text):
        try:
            address = ipaddress.IPv6Address(match.group())
        except ValueError:
            continue
        if any(address in network for network in _IPV6_NETWORKS):
            yield Span(*match.span(), "ip")


def numbers(text: str) -> Iterator[Span]:
    """Cards, id numbers and phone numbers; none in a URL."""
    text = _URL.sub(lambda url: " " * len(url.group()), text)
    for match in _NINO.finditer(text):
        if "other" not in cue_before(text, match.start()):
            yield Span(*match.span(), "id")
            text = blanked(text, [Span(*match.span(), "id")])
    for match in _CODE.finditer(text):
        if is_id(match.group(), cue_before(text, match.start())):
            yield Span(*match.span(), "id")
    for match in _DIGITS.finditer(text):
        yield from inside(match.group(), match.start(), cue_before(text, match.start()) or cue_after(text, match.end()))


def inside(run: str, offset: int, cue: frozenset[str]) -> Iterator[Span]:
    """A run of digits may hold several numbers: from each of its groups on, the longest that is one."""
    groups = [(match.start(), match.end()) for match in re.finditer(r"[^ /]+", run)]
    first = 0
    while first < len(groups):
        start = groups[first][0]
        if date := _DATE.match(run, start):
            first = sum(group_start < date.end() for group_start, _ in groups)
            continue
        for last in range(min(len(groups), first + WINDOW) - 1, first - 1, -1):
            end = start + len(run[start : groups[last][1]].rstrip("(.-/ "))
            begin = start + (run[start] == "(" and ")" not in run[start:end])
            if kind := kind_of(run[begin:end], cue, alone=len(groups) == last - first + 1):
                yield Span(offset + begin, offset + end, kind)
                first = last
                break
        first += 1


def kind_of(number: str, cue: frozenset[str], alone: bool) -> str | None:
    n_digits = sum(sign.isdigit() for sign in number)
    if not 7 <= n_digits <= 19:
        return None
    if n_digits >= 12 and "other" not in cue and is_card(number, cue):
        return "card"
    if is_id(number, cue):
        return "id"
    if is_phone(number, cue, alone):
        return "phone"
    return None


def is_card(number: str, cue: frozenset[str]) -> bool:
    """By the issuer's first digits, or by the word before it; one number in ten has the right check digit."""
    digits = re.sub(r"[ -]", "", number)
    return bool(
        _CARD.fullmatch(number) and ("card" in cue or _ISSUER.fullmatch(digits)) and stdnum("luhn").is_valid(digits)
    )


def is_id(number: str, cue: frozenset[str]) -> bool:
    if cue & {"other", "phone"}:
        return False
    shape = re.sub(r"[A-Za-z]", "A", re.sub(r"\d", "9", number))
    names = {name for name, _, shapes in _ID_NUMBERS if shape in shapes} | (cue & _ID_NAMES)
    return any(
        stdnum(name).is_valid(spelling) for name in sorted(names) for spelling in (number, number.replace(".", ""))
    )


def is_phone(number: str, cue: frozenset[str], alone: bool) -> bool:
    if number.startswith("+"):
        return is_dialled(number, None)
    if "other" in cue or cue & _ID_NAMES or number[-1].isalpha() or not looks_dialled(number):
        return False
    if number.startswith("00") and (alone or "phone" in cue) and is_dialled(f"+{number[2:]}", None):
        return True
    if _NORTH_AMERICAN.fullmatch(number) and is_dialled(number, "US"):
        return True
    without_word = alone and _TRUNK.fullmatch(number) and sum(map(str.isdigit, number)) >= 9
    return bool("phone" in cue or without_word) and any(
        is_dialled(number, country) for country in _PHONE_COUNTRIES.split()
    )


def looks_dialled(number: str) -> bool:
    """Neither a price or a coordinate nor a row of small numbers; German numbers may have any length, so that the next number would belong to one."""
    n_digits, n_groups = sum(map(str.isdigit, number)), len(re.findall(r"\d+", number))
    if not 8 <= n_digits <= 15 or n_digits < 2 * n_groups or (n_digits > 12 and " " in number):
        return False
    return not (_THOUSANDS.fullmatch(number) or _DECIMAL.match(number))


def is_dialled(number: str, country: str | None) -> bool:
    """Whether that country has such numbers; of one with its country's code, whether it has the length."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(parsed) if country else phonenumbers.is_possible_number(parsed)


# In this order: what one has found the next does not see.
_FINDERS: tuple[tuple[Callable[[str], Iterator[Span]], Callable[[str], Any]], ...] = (
    (emails, lambda text: "@" in text or _SPELLED_AT.search(text)),
    (ibans, _DIGITS_NEARBY.search),
    (ips, lambda text: text.count(".") > 2 or text.count(":") > 1),
    (numbers, lambda text: _DIGITS_NEARBY.search(text) or "PAN" in text),  # India's PAN has four digits
)


@cache
def stdnum(name: str) -> Any:
    return importlib.import_module(f"stdnum.{name}")


@cache
def cues() -> dict[str, frozenset[str]]:
    """A word, or two with a space between, and what it says of the number after it: of id numbers their names, else `phone`, `card`, `ip` or `other`."""
    said: dict[str, set[str]] = {}
    for kind, words in _WORDS.items():
        for word in words.split():
            said.setdefault(word, set()).add(kind)
    for kind, phrases in _PHRASES.items():
        said |= {phrase: {kind} for phrase in phrases}
    for name, words_of_id, _ in _ID_NUMBERS:
        for word in words_of_id:
            said.setdefault(word, set()).add(name)
    for phrase in _ANY_ID:
        said[phrase] = {name for name, _, _ in _ID_NUMBERS}
    return {word: frozenset(kinds) for word, kinds in said.items()}


def cue_before(text: str, place: int) -> frozenset[str]:
    """What the nearest word that says anything says of the number at `place`; that it is something other only from close by."""
    before = text[max(0, place - REACH) : place].casefold()
    words = re.findall(r"[^\W\d_]+|§", before)
    between = 0
    for number in range(len(words) - 1, -1, -1):
        cue = cue_of(words[number], words[number - 1] if number else "")
        if cue and not ("other" in cue and between > CLOSE):
            return cue
        between += words[number] not in _FILLERS.split()
    return (
        frozenset()
        if before.isascii()
        else frozenset(kind for kind, inside in _INSIDE.items() if any(word in before for word in inside.split()))
    )


def cue_of(word: str, previous: str) -> frozenset[str] | None:
    found = cues().get(f"{previous} {word}") or cues().get(word)
    if not found and word.endswith(_NAMED_NUMBER) and word not in _NAMED_NUMBER:
        return frozenset({"other"})
    return found


def cue_after(text: str, place: int) -> frozenset[str]:
    """Behind a number only "(mobile)" and the like count."""
    words = re.findall(r"[^\W\d_]+", text[place : place + 16].casefold())
    return next((cues()[word] for word in words if word in cues() and "phone" in cues()[word]), frozenset())
