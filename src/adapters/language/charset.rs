//! Text to bytes and back, in the charset an agency writes.

use encoding_rs::{Decoder, Encoding, GB18030, GBK, UTF_8};

/// How text travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// UTF-8.
    Utf8,
    /// GB 18030, which has every character.
    Gb18030,
    /// GBK, which has some 21,000 of them and never more than two bytes for one.
    Gbk,
}

impl Charset {
    /// The charset that manifests call so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "utf-8" => Self::Utf8,
            "gb18030" => Self::Gb18030,
            "gbk" | "gb2312" => Self::Gbk,
            _ => return None,
        })
    }

    /// Its name in a content type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gb18030 => "gb18030",
            Self::Gbk => "gbk",
        }
    }

    /// Text as bytes; `None` when it has a character that the charset cannot carry: one left out or replaced would be
    /// another person's name.
    pub(crate) fn encode(self, text: &str) -> Option<Vec<u8>> {
        let (bytes, _, is_lossy) = self.encoding().encode(text);
        (!is_lossy).then(|| bytes.into_owned())
    }

    /// Bytes as text; `None` when they are not of the charset: a wrong character may be a wrong name.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<String> {
        // A byte order mark says what is known already, and is no part of the text.
        let mark: &[u8] = match self {
            Self::Utf8 => "\u{feff}".as_bytes(),
            Self::Gb18030 | Self::Gbk => &[0x84, 0x31, 0x95, 0x33],
        };
        let bytes = bytes.strip_prefix(mark).unwrap_or(bytes);
        self.encoding()
            .decode_without_bom_handling_and_without_replacement(bytes)
            .map(std::borrow::Cow::into_owned)
    }

    /// The same for bytes that come in pieces; a byte order mark is then the first character.
    pub(crate) fn decoder(self) -> Decoder {
        self.encoding().new_decoder_without_bom_handling()
    }

    /// The charset that a reply says it is written in, when reading it as this one would not give the same text.
    ///
    /// What the content type says goes before what the XML declaration says. GBK and GB 2312 are parts of GB 18030 and
    /// read as it; a reply with nothing but ASCII reads the same in all of them.
    pub(crate) fn contradicted(self, content_type: &str, body: &[u8]) -> Option<&'static str> {
        let label = of_content_type(content_type).or_else(|| of_declaration(body))?;
        let Some(declared) = Encoding::for_label(label.as_bytes()) else {
            return Some("one that nobody knows");
        };
        let family = |encoding: &'static Encoding| if encoding == GBK { GB18030 } else { encoding };
        let is_same = family(declared) == family(self.encoding())
            || declared.is_ascii_compatible() && body.is_ascii();
        (!is_same).then(|| declared.name())
    }

    fn encoding(self) -> &'static Encoding {
        match self {
            Self::Utf8 => UTF_8,
            Self::Gb18030 => GB18030,
            Self::Gbk => GBK,
        }
    }
}

fn of_content_type(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"').to_owned();
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    })
}

/// What `<?xml … encoding="…"?>` says, where the reply begins with one.
fn of_declaration(body: &[u8]) -> Option<String> {
    let body = body.trim_ascii_start();
    let end = body.windows(2).take(200).position(|bytes| bytes == b"?>")?;
    let declaration = std::str::from_utf8(body.get(..end)?).ok()?.strip_prefix("<?xml ")?;
    let (_, after) = declaration.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| "\"'".contains(*quote))?;
    value.split(quote).nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes made with Python's `gb18030`.
    #[test]
    fn rare_characters_travel_in_four_bytes_or_not_at_all() {
        for (text, in_gb18030, in_gbk) in [
            ("张三", &[0xd5, 0xc5, 0xc8, 0xfd][..], true),
            ("𠮷", &[0x95, 0x34, 0xb2, 0x35], false),
            ("㛃", &[0x82, 0x30, 0xb7, 0x31], false),
            // Two bytes: later editions of GBK have it.
            ("䶮", &[0xfe, 0x9f], true),
        ] {
            let bytes = Charset::Gb18030.encode(text).unwrap();
            assert_eq!(bytes, in_gb18030, "{text}");
            assert_eq!(Charset::Gb18030.decode(&bytes).unwrap(), text);
            assert_eq!(Charset::Gbk.encode(text).is_some(), in_gbk, "{text}");
            assert_eq!(Charset::Gbk.decode(&bytes).unwrap(), text);
            assert_ne!(Charset::Utf8.decode(&bytes).as_deref(), Some(text));
        }
        assert_eq!(Charset::Gb18030.decode(&[0x95, 0x34, 0xb2]), None, "half a character");
        assert_eq!(Charset::Utf8.decode("\u{feff}张".as_bytes()).unwrap(), "张");
        let marked = Charset::Gb18030.encode("\u{feff}张").unwrap();
        assert_eq!(Charset::Gb18030.decode(&marked).unwrap(), "张");
    }

    #[test]
    fn what_a_reply_says_of_itself() {
        let says =
            |content_type: &str, body: &[u8]| Charset::Gb18030.contradicted(content_type, body);
        let (name, declared) =
            ([0xd5, 0xc5], b"<?xml version='1.0' encoding='UTF-8'?><a>\xd5\xc5</a>");
        for content_type in [
            "",
            "text/xml",
            "text/xml;charset=GBK",
            "a/b; x=y; Charset=\"gb2312\"",
            "a/b;charset=gb18030",
        ] {
            assert_eq!(says(content_type, &name), None, "{content_type}");
        }
        assert_eq!(says("text/xml; charset=utf-8", &name), Some("UTF-8"));
        assert_eq!(says("text/xml; charset=utf-8", b"{}"), None, "ASCII is the same in both");
        assert_eq!(says("text/xml; charset=utf-16", b"{\0}\0"), Some("UTF-16LE"));
        assert_eq!(says("text/xml; charset=klingon", &name), Some("one that nobody knows"));
        assert_eq!(says("text/xml", declared), Some("UTF-8"));
        assert_eq!(says("text/xml; charset=gbk", declared), None, "the content type goes first");
        let inside = b"<a>\xd5\xc5&lt;?xml version='1.0' encoding='UTF-8'?&gt;</a>";
        assert_eq!(says("text/xml", inside), None);
        assert_eq!(Charset::Utf8.contradicted("a/b;charset=GBK", "张".as_bytes()), Some("GBK"));
    }
}
