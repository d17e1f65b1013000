"""The values of ``format``, each as an anchored regular expression.

Knows what the standards say a text of each kind looks like.  Formats that JSON Schema does not
define, and ``regex``, have no expression here.
"""

from __future__ import annotations

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_H16 = r"[\dA-Fa-f]{1,4}"
_LS32 = rf"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = "|".join(
    [
        rf"(?:{_H16}:){{6}}{_LS32}",
        rf"::(?:{_H16}:){{5}}{_LS32}",
        rf"(?:{_H16})?::(?:{_H16}:){{4}}{_LS32}",
        rf"(?:(?:{_H16}:){{0,1}}{_H16})?::(?:{_H16}:){{3}}{_LS32}",
        rf"(?:(?:{_H16}:){{0,2}}{_H16})?::(?:{_H16}:){{2}}{_LS32}",
        rf"(?:(?:{_H16}:){{0,3}}{_H16})?::{_H16}:{_LS32}",
        rf"(?:(?:{_H16}:){{0,4}}{_H16})?::{_LS32}",
        rf"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}",
        rf"(?:(?:{_H16}:){{0,6}}{_H16})?::",
    ]
)

# A year is a leap year if it can be divided by 4, but of the hundreds only every fourth is one.
_LEAP = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DATE = (
    r"(?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
    rf"|{_LEAP}-02-29)"
)
_OFFSET = r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
# A leap second is inserted at midnight, Greenwich.
_TIME = (
    rf"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?{_OFFSET}"
    r"|23:59:60(?:\.\d+)?(?:[Zz]|[+-]00:00))"
)
_TIME_PART = r"T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)"
_DATE_PART = r"(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)"
_DURATION = rf"P(?:{_DATE_PART}(?:{_TIME_PART})?|{_TIME_PART}|\d+W)"


def _label(letter: str, most: int) -> str:
    return rf"{letter}(?:(?:{letter}|-){{0,{most - 2}}}{letter})?"


# A label has up to 63 letters, a name 253.  Counting both at once would take an automaton of many
# thousand states; so, of what is allowed: a first label of any length, then five of up to 37.
# Whether a label that begins with xn-- stands for a name cannot be told, so none may.
_ALNUM = r"[A-Za-z\d]"
_LABEL = _label(_ALNUM, 63)
_HOSTNAME = rf"(?!(?:.*\.)?[xX][nN]--){_LABEL}(?:\.{_label(_ALNUM, 37)}){{0,5}}"
# Letters of the common alphabets that need no look at their neighbours.  How long a label is in
# the spelling that is looked up cannot be counted; one of 30 letters is rarely beyond 63.
_WIDE_LETTER = (
    r"[A-Za-z\d\u00DF-\u00F6\u00F8-\u00FFāăąćčďđēęěğģįķļłńņňőœřśşšţťūůűųźżž"
    r"\u03AC-\u03CE\u0430-\u045F\u0904-\u0939\u0E01-\u0E30\u3041-\u3096\u30A1-\u30FA"
    r"\u3400-\u4DBF\u4E00-\u9FFF\uAC00-\uD7A3]"
)
_WIDE_LABEL = rf"{_WIDE_LETTER}(?:-?{_WIDE_LETTER}){{0,29}}"
_WIDE_HOSTNAME = rf"{_WIDE_LABEL}(?:[.\u3002\uFF0E\uFF61]{_WIDE_LABEL}){{0,5}}"

_ATEXT = r"[A-Za-z\d!#$%&'*+/=?^_`{|}~-]"
_QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~]){0,31}"'
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[{_IPV4}\])"
_SHORT = "(?=[^@]{1,64}@)"  # what stands before the sign has at most 64 characters (RFC 5321)
_EMAIL = rf"(?:{_SHORT}{_ATEXT}+(?:\.{_ATEXT}+)*|{_QUOTED})@{_DOMAIN}"
_BEYOND = r"\u0080-\uD7FF\uE000-\u{10FFFF}"
_WIDE_ATEXT = _ATEXT.replace("-]", _BEYOND + "-]")
_WIDE_QUOTED = rf'"(?:[ !#-\[\]-~{_BEYOND}]|\\[ -~]){{0,31}}"'
_WIDE_DOMAIN = rf"(?:{_WIDE_LABEL}(?:\.{_WIDE_LABEL})*|\[{_IPV4}\])"
_WIDE_EMAIL = rf"(?:{_SHORT}{_WIDE_ATEXT}+(?:\.{_WIDE_ATEXT}+)*|{_WIDE_QUOTED})@{_WIDE_DOMAIN}"

_HEX_PAIR = r"%[\dA-Fa-f]{2}"


def _resource(unreserved: str, private: str) -> tuple[str, str]:
    """The expressions of an address and of a reference (RFC 3986 and 3987)."""
    sub = "!$&'()*+,;="
    letter = rf"(?:[{unreserved}{sub}:@]|{_HEX_PAIR})"
    without_colon = rf"(?:[{unreserved}{sub}@]|{_HEX_PAIR})"
    user = rf"(?:[{unreserved}{sub}:]|{_HEX_PAIR})*"
    name = rf"(?:[{unreserved}{sub}]|{_HEX_PAIR})*"
    future = rf"[vV][\dA-Fa-f]+\.[{unreserved}{sub}:]+"
    authority = rf"(?:{user}@)?(?:\[(?:{_IPV6}|{future})\]|{name})(?::\d*)?"
    path = rf"(?:/{letter}*)*"
    absolute = rf"/(?:{letter}+{path})?"
    query = rf"(?:\?(?:{letter}|[/?{private}])*)?"
    fragment = rf"(?:#(?:{letter}|[/?])*)?"
    tail = query + fragment
    start = rf"//{authority}{path}|{absolute}"
    full = rf"[A-Za-z][A-Za-z\d+.-]*:(?:{start}|{letter}+{path}|){tail}"
    relative = rf"(?:{start}|{without_colon}+{path}|){tail}"
    return full, rf"(?:{full}|{relative})"


_URI, _URI_REFERENCE = _resource(r"A-Za-z\d._~\-", "")
_IRI, _IRI_REFERENCE = _resource(
    r"A-Za-z\d._~\u00A0-\uD7FF\uF900-\uFDCF\uFDF0-\uFFEF\u{10000}-\u{EFFFD}\-",
    r"\uE000-\uF8FF\u{F0000}-\u{10FFFD}",
)

_VARIABLE_LETTER = rf"(?:\w|{_HEX_PAIR})"
_VARIABLE = rf"{_VARIABLE_LETTER}(?:\.?{_VARIABLE_LETTER})*(?::[1-9]\d{{0,3}}|\*)?"
_TEMPLATE = (
    rf"(?:[!#$&-;=?-\[\]_a-z~\u00A0-\uD7FF\uE000-\u{{10FFFF}}]|{_HEX_PAIR}"
    rf"|\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*"
)
_POINTER = r"(?:/(?:[^~/]|~[01])*)*".replace("[^~/]", r"(?:[^~/]|\n|\r|\u2028|\u2029)")

_PATTERNS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": rf"{_DATE}[Tt]{_TIME}",
    "duration": _DURATION,
    "uuid": r"[\dA-Fa-f]{8}(?:-[\dA-Fa-f]{4}){3}-[\dA-Fa-f]{12}",
    "email": _EMAIL,
    "idn-email": _WIDE_EMAIL,
    "hostname": _HOSTNAME,
    "idn-hostname": _WIDE_HOSTNAME,
    "ipv4": _IPV4,
    "ipv6": _IPV6,
    "uri": _URI,
    "uri-reference": _URI_REFERENCE,
    "iri": _IRI,
    "iri-reference": _IRI_REFERENCE,
    "uri-template": _TEMPLATE,
    "json-pointer": _POINTER,
    "relative-json-pointer": rf"(?:0|[1-9]\d*)(?:#|{_POINTER})",
}

FORMATS = tuple(_PATTERNS)  # the names that are enforced


def format_pattern(name: str) -> str | None:
    """The expression that exactly the texts of that format match; None where there is none."""
    found = _PATTERNS.get(name)
    return None if found is None else f"^(?:{found})$"
