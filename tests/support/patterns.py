"""Regular expressions with texts they are found in, and random ones that other engines know too."""

from __future__ import annotations

from hypothesis import strategies as st

# pattern, texts in which it is found, texts in which it is not
PATTERN_CASES: list[tuple[str, list[str], list[str]]] = [
    ("", ["", "a"], []),
    ("b", ["b", "abc"], ["", "ac"]),
    ("^a", ["a", "ab"], ["", "ba"]),
    ("a$", ["a", "ba"], ["ab", "a\n"]),
    ("^a|b$", ["ax", "xb"], ["xa", "bx"]),
    ("^(a|)$", ["", "a"], ["aa"]),
    ("a^b|c", ["c"], ["ab", "a^b"]),
    ("^^a$$", ["a"], ["aa"]),
    ("(^|,)x(,|$)", ["x", "a,x", "x,a", "a,x,b"], ["ax", "xa"]),
    ("^[^a-c]$", ["d", "\n", "😀"], ["a", "c", ""]),
    ("^[]a]$", [], ["]", "a", "a]"]),
    ("^[^]$", ["a", "\n"], [""]),
    (r"^[\w.-]$", ["a", "_", ".", "-"], ["é", " "]),
    (r"^[\w-.]$", ["-", ".", "z"], [","]),
    (r"^[a\]b]$", ["]", "a"], ["\\"]),
    (r"^[\b]$", ["\b"], ["b"]),
    (r"^\d\D$", ["1a", "1٣"], ["٣a", "11"]),
    (r"^\w\W$", ["aé"], ["éa"]),
    (r"^\s\S$", ["\u00a0a", "\ufeffa", "\u2028a"], ["ab"]),
    (r"^[\uD800-\uDFFFa]$", ["a"], ["b"]),
    (r"\uD800|^\p{Cs}|^\P{C}$", ["a"], ["\0"]),
    ("^.$", ["a", "é", "😀", "\u0085"], ["\n", "\r", "\u2028", "ab"]),
    (r"^\p{Lu}\P{L}$", ["É1"], ["é1", "ÉA"]),
    (r"^\x41\u0042\u{1F600}\uD83D\uDE00\cJ\0$", ["AB😀😀\n\0"], ["AB"]),
    (r"^\t\n\v\f\r\/\.\-$", ["\t\n\v\f\r/.-"], [""]),
    ("^a{2}b{1,2}c{0,}$", ["aab", "aabbccc"], ["ab", "aabbb"]),
    ("^a{,2}$", ["a{,2}"], ["a", "aa"]),
    ("^{a}$", ["{a}"], ["a"]),
    ("^a+?b*?c??$", ["a", "aabbc"], ["b"]),
    ("^(?:a(?<name>b)(?P<other>c))$", ["abc"], ["ab"]),
    (r"\bfoo\b", ["foo", "a foo.", "foo-"], ["afoo", "food", "foo_"]),
    (r"a\Bb", ["ab"], ["a b"]),
    (r"^(\ba\b ?)*$", ["", "a a a", "a "], ["aa"]),
    ("^(?!foo$)", ["", "food", "fo"], ["foo"]),
    ("^((?!foo).)*$", ["", "fo", "oof"], ["foo", "a foo b"]),
    (r"^(?=.*\d)(?=.*[a-z]).{3,}$", ["1ab", "ab1"], ["abc", "1a"]),
    ("a(?=b)", ["ab"], ["a", "ac"]),
    ("^a(?=b|$)", ["a", "abc"], ["ac"]),
    ("(?<=a)b", ["ab"], ["b", "cb"]),
    ("(?<!a)b", ["b", "cb"], ["ab"]),
    ("(?<=^a)b", ["ab"], ["aab"]),
    (r"^(?!-)(?!.*--)[a-z0-9-]{1,63}(?<!-)$", ["a", "a-b"], ["-a", "a-", "a--b", "", "a" * 64]),
    ("^a*(?<!aa)b", ["b", "ab"], ["aab", "aaab"]),
    ("^a*(?<!aa)^b", ["b"], ["ab"]),
    ("a(?<=^a)b", ["ab"], ["aab"]),
    ("x?a(?<=(?:xa|b{2}))b", ["xab"], ["ab"]),
    ("c[ab]+(?<=c[ab]*)d", ["cad"], ["ad"]),
    ("(?:x|(?<=a)y)z", ["xz", "ayz"], ["byz", "z"]),
    (r"(?:a\b|b){1,2}-", ["a-", "ab-"], ["a", "ba"]),
    (r"(?:\ba|^b){1,30}$", ["a", "b", "xb a"], ["xa", "ba"]),
    (r"(?:\ba|^b){1,20}$", ["a", "b", "xb a"], ["xa", "ba"]),
    ("^" + "((?=a)[ab]|(?=c)[cd])" * 30 + "$", ["ac" * 15], ["ab" * 15, "ac" * 14]),
    (r"[a-z ]*\B[a-z]*\b!", ["ab!", "a bc!d"], ["! ", "ab", "a b!c"]),
    ("a*(?=$|b)[^]?", ["", "ab", "x"], []),
    ("[]a|^b[]|(?:[]|c)$", ["c"], ["a", "b"]),
    ("(?:a|$^)b", ["ab"], ["b"]),
    (r"^[a-z]*(?<!foo)(?<!ba)$", ["", "oo", "bar"], ["foo", "afoo", "ba"]),
    (r"[a-z]{2}(?<=ab|c)\b", ["xab.", "xc"], ["abc1", "ab1", "xb"]),
    (
        r"^(?:(?:25[0-5]|1?\d?\d)(?:\.(?!$)|$)){4}$",
        ["1.2.3.4", "25.250.1.0"],
        ["1.2.3", "1.2.3.4."],
    ),
    (r"x(?=\by)z|x(?=\b,)", ["x,"], ["xyz", "xy"]),
    ("(?i)^straße$", ["STRAßE", "straße"], ["strase"]),
    ("(?i)^[^a-c]é$", ["dÉ", "dé"], ["Aé", "aé"]),
    (r"(?:ab|c)(?<=b|c)\.", ["ab.", "c."], ["b."]),
    ("^a(?i:b)c$", ["abc", "aBc"], ["aBC"]),
    ("^(?s).$", ["\n"], ["ab"]),
    (r"\Aa\Z", ["a"], ["ab", "ba"]),
    ("^(a*)*$", ["", "aaa"], ["b"]),
]

ATOMS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\W", "^", "$", r"\b", r"\B", " "]
)
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: f"(?:{'|'.join(items)})"),
        st.tuples(inner, st.sampled_from(["*", "+?", "?", "{2}", "{1,3}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        st.tuples(st.sampled_from(["?=", "?!"]), inner).map(lambda pair: f"({pair[0]}{pair[1]})"),
    ),
    max_leaves=6,
)
