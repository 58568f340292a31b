use super::look::{self, Secret, base64};
use super::*;

#[test]
fn base64_is_the_same_behind_anything() {
    // "a:opensesame!", "ab:…", "abc:…" in base64.
    for (text, before) in
        [("YTpvcGVuc2VzYW1lIQ==", 2), ("YWI6b3BlbnNlc2FtZSE=", 0), ("YWJjOm9wZW5zZXNhbWUh", 1)]
    {
        let [url, usual] = base64(b"opensesame!", before);
        assert!(text.contains(&usual) && usual.len() >= 12, "{usual}");
        assert_eq!(url, usual);
    }
}

#[test]
fn parts_of_addresses() {
    hide_parts("http://mary:pass%77ord-1@proxy:3128/?key=k-12345&x=1");
    let said = without("proxy pass%77ord-1, password-1 and K-12345 at proxy:3128");
    assert_eq!(said, "proxy <secret>, <secret> and <secret> at proxy:3128");
}

#[test]
fn short_ones_would_hide_everything() {
    hide("ab");
    assert_eq!(without("ab"), "ab");
}

fn taken_out(secret: &str, text: &str) -> String {
    replaced(text, look::find(text, &[Secret::new(secret)])).into_owned()
}

#[test]
fn whatever_it_is_written_as() {
    for said in [
        "Op3n-Sesame!",
        "O p 3 n - S e s a m e !",
        "O\np\n3\nn\n-\nS\ne\ns\na\nm\ne\n!",
        "O\u{200b}p3n\u{a0}-Sesame!",
        "O.p.3.n.-.S.e.s.a.m.e.!",
        r#"["O","p","3","n","-","S","e","s","a","m","e","!"]"#,
        "O%703n-Se%73ame%21",
        "%4f%70%33%6e%2d%53%65%73%61%6d%65%21",
        "O%25703n-Sesame!",
        r"\u004f\u0070\u0033\u006E\u002D\u0053\u0065\u0073\u0061\u006d\u0065\u0021",
        r"O\u00703n-Sesame\\u0021",
        r"O\u{70}3n-Sesame\U00000021",
        r"\x4f\x703n\x2dSesame!",
        r"\117\1603n-Sesame!",
        "&#79;p3n&#45;Sesame&#x21;",
        "O=703n-Ses=\r\name=21",
        "4f70336e2d536573616d6521",
        "4F:70:33:6E:2D:53:65:73:61:6D:65:21",
        "0x4f, 0x70, 0x33, 0x6e, 0x2d, 0x53, 0x65, 0x73, 0x61, 0x6d, 0x65, 0x21",
        "[79 112 51 110 45 83 101 115 97 109 101 33]",
        "T3Az\nbi1T\nZXNh\nbWUh",
        "T3Azbi1TZXNhbWUh%0A",
        "!emaseS-n3pO",
    ] {
        let text = format!("before {said} behind");
        let left = taken_out("Op3n-Sesame!", &text);
        assert!(left.starts_with("before ") && left.ends_with(" behind") && left.contains(HIDDEN), "{left}");
        // Brackets and the sign of what is escaped may stay, nothing of it itself.
        let rest = left.replace(HIDDEN, "").replace("before", "").replace("behind", "");
        assert!(
            !rest.contains(|char: char| char.is_ascii_alphanumeric()
                && char != 'x'
                && char != '0'
                && char != 'A'),
            "{left}"
        );
    }
}

#[test]
fn what_is_none_stays() {
    for text in [
        "",
        "open sesame is a word of a tale, 79 112 51 and 4f70336e too",
        "100 % of \\ & < é 微信 \u{1f600} =",
        "%zz \\u12 \\u{110000} &#1114112; &nosuch; =4",
    ] {
        assert_eq!(taken_out("Op3n-Sesame!", text), text);
    }
    // One that has what others escape.
    for secret in ["50%25 off", "a\\u0041b", "a&amp;b+c", "密码 пароль é"] {
        assert_eq!(taken_out(secret, &format!("x {secret} y")), format!("x {HIDDEN} y"));
    }
}
