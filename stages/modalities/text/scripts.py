"""Scripts that are written without spaces between words: Han, Kana, Thai, Lao, Tibetan, Myanmar, Khmer."""

# For a character class of a regular expression. Marks are included: Thai and Myanmar vowels are marks.
CJK = "\u3005-\u3007\u3041-\u30fa\u30fc-\u30ff\u3105-\u312f\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
UNSPACED = rf"{CJK}\u0e01-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u0f40-\u0fbc\u1000-\u103f\u1050-\u109f\u1780-\u17d3"
