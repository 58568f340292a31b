//! Both ways: what was written stays, and what was broken comes back, also where they stand side by side.

use proptest::prelude::*;

use super::*;

/// As programs break it.
fn broken(text: &str, windows: bool) -> String {
    let read = |byte: &u8| match byte {
        0x80..=0x9f if windows => WINDOWS.chars().nth(usize::from(byte - 0x80)).unwrap(),
        byte => char::from(*byte),
    };
    text.as_bytes().iter().map(read).collect()
}

#[test]
fn what_was_read_wrongly_is_found_and_mended() {
    for text in [
        "café",
        "it’s “so”",
        "Привет, мир",
        "日本語",
        "naïve – 5 °C",
        "🙂",
        "Zoë: żółć",
        "à demain",
        "嗯",
        "嗯 嗯!",
        "ну и ты",
        "λόγος",
        "שלום לך",
        "مرحبا و أهلا",
        "안녕",
        "người nước",
        "și țară",
        "CÔTÉ",
        "CAFÉ",
        "£5 ± 2",
        "Å l",
        "⚠️ ✓ …",
    ] {
        for windows in [false, true] {
            assert_eq!(read(&broken(text, windows)), Reading::Wrong(text.to_owned()), "{text} {windows}");
        }
    }
    // Once is enough: what was broken twice is half mended.
    assert_eq!(read(&broken("cafÃ©", false)), Reading::Wrong("cafÃ©".to_owned()));
    // Beside what Latin-1 does not have.
    assert_eq!(read("日本 cafÃ©"), Reading::Wrong("日本 café".to_owned()));
}

#[test]
fn what_was_read_rightly_stays() {
    for text in [
        "café",
        "«CAFÉ»",
        "“CAFÉ”",
        "schön",
        "Ærø",
        "25 °C",
        "Ãndré",
        "½ €",
        "naïve",
        "AMANHÃ…",
        "MAÇÔ",
        "hâlâ…”",
        "allé\u{a0}»",
        "a letra “Ã”",
        "É… pois",
        "o preço é\u{a0}€5",
        "Lukáš”",
        "slyšíš”",
        "weiß”",
        "Spaß…",
        "3×½",
        "Ø² 3×£5",
        "Ä–Ö–Ü",
        "5 Å²",
        "IRMÃ—ela",
        "â…”",
        "COMITÉ\u{85}",
        "fra’ È\u{a0}»",
        "Stra\u{df}\u{ad}en",
    ] {
        assert_eq!(read(text), Reading::Right, "{text}");
    }
    for text in ["plain", "", "日本語", "Привет", "🙂"] {
        assert_eq!(read(text), Reading::Plain, "{text}");
    }
}

#[test]
fn sound_stretches_stay_beside_broken_ones() {
    for (text, meant) in [
        ("“cafÃ©” à Genève", "“café” à Genève"),
        ("> sÃ¥ er det\nså er det", "> så er det\nså er det"),
        ("AMANHÃ… nÃ£o é", "AMANHÃ… não é"),
        ("Привет, cafÃ© « allé\u{a0}»", "Привет, café « allé\u{a0}»"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚ и Müller", "Привет и Müller"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚ Ð¸ Ð² Müller", "Привет и в Müller"),
        ("Müller: itâ€™s 25Â°", "Müller: it’s 25°"),
    ] {
        assert_eq!(read(text), Reading::Mixed(meant.to_owned()), "{text}");
    }
    let text = "some words before lÃ©ger, and “more”";
    assert_eq!(first_word(text, &meant(text).unwrap()), ("lÃ©ger,", "léger,".to_owned()));
}

/// Words of languages that Windows-1252 can write, and words that need more.
const SOUND: &[&str] = &[
    "AMANHÃ",
    "maçã",
    "IRMÃ",
    "É",
    "È",
    "hâlâ",
    "HÂLÂ",
    "allé",
    "Spaß",
    "CITTÀ",
    "Lukáš",
    "slyšíš",
    "Þór",
    "það",
    "Øl",
    "Å",
    "Ærø",
    "ÑANDÚ",
    "niño",
    "¿Qué?",
    "¡Así!",
    "été",
    "À",
    "PERÙ",
    "Zoë",
    "œuvre",
    "Škoda",
    "naïve",
    "fjällräven",
    "ÅR",
    "ÄÖÜ",
    "3×½",
    "20€",
    "£5",
    "25°",
    "Ø²",
    "plain",
    "words",
    "Łódź",
    "日本",
    "Привет",
    "🙂",
];
const BROKEN: &[&str] = &[
    "café",
    "größer",
    "não",
    "amanhã",
    "été",
    "à",
    "Ärger",
    "Ölgemälde",
    "Ünal",
    "niño",
    "Привет",
    "мир",
    "Ελλάδα",
    "日本語",
    "世界",
    "안녕하세요",
    "żółć",
    "świat",
    "są",
    "košile",
    "dvořák",
    "ığdır",
    "şimdi",
    "người",
    "it’s",
    "“so”",
    "5€",
    "25°",
    "🙂",
    "नमस्ते",
    "שלום",
    "مرحبا",
    "wait…",
];

/// What stands around words.
fn around(word: &str, how: usize) -> String {
    let (before, after) = [
        ("", ""),
        ("“", "”"),
        ("«", "»"),
        ("«\u{a0}", "\u{a0}»"),
        ("„", "“"),
        ("‚", "‘"),
        ("‹", "›"),
        ("", "…"),
        ("", " –"),
        ("", "—"),
        ("", "’s"),
        ("", "™"),
        ("", "\u{a0}!"),
        ("(", ")"),
        ("\"", "…\""),
        ("", "…”"),
        ("", "…»"),
        ("", "²"),
        ("", "\u{ad}bar"),
    ][how % 19];
    format!("{before}{word}{after}")
}

/// A word of letters at random, as languages case them.
fn any_word() -> impl Strategy<Value = String> {
    let small = || prop_oneof![3 => proptest::char::range('a', 'z'), 1 => proptest::sample::select(vec!['à', 'â', 'ã', 'ä', 'å', 'æ', 'ç', 'é', 'ê', 'í', 'ï', 'ð', 'ñ', 'ó', 'ö', 'ø', 'ß', 'ú', 'ü', 'ý', 'þ', 'ÿ'])];
    let large = || prop_oneof![3 => proptest::char::range('A', 'Z'), 1 => proptest::sample::select(vec!['À', 'Â', 'Ã', 'Ä', 'Å', 'Æ', 'Ç', 'É', 'Ê', 'Í', 'Ï', 'Ð', 'Ñ', 'Ó', 'Ö', 'Ø', 'Ú', 'Ü', 'Ý', 'Þ'])];
    let of = |letters: Vec<char>| letters.into_iter().collect::<String>();
    prop_oneof![
        proptest::collection::vec(small(), 1..7).prop_map(of),
        proptest::collection::vec(large(), 2..7).prop_map(of),
        (large(), proptest::collection::vec(small(), 1..6))
            .prop_map(move |(first, rest)| format!("{first}{}", of(rest))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Never a wrong repair.
    #[test]
    fn nothing_that_was_written_becomes_another(words in proptest::collection::vec(
        (prop_oneof![proptest::sample::select(SOUND).prop_map(str::to_owned), any_word()], 0..19usize), 1..8)
    ) {
        let text: Vec<String> = words.iter().map(|(word, how)| around(word, *how)).collect();
        let text = text.join(" ");
        prop_assert_eq!(meant(&text), None, "{}", text);
    }

    /// Words broken by one program, in an answer that another wrote: each comes back or stays as it is, and what was sound stays.
    #[test]
    fn stretches_are_mended_one_by_one(words in proptest::collection::vec(
        (proptest::sample::select(SOUND), proptest::sample::select(BROKEN), 0..19usize, any::<[bool; 2]>()), 1..8)
    ) {
        let parts: Vec<(String, String)> = words.iter().map(|(sound, word, how, [breaks, windows])| {
            let word = if *breaks { (broken(word, *windows), (*word).to_owned()) } else { ((*word).to_owned(), (*word).to_owned()) };
            let sound = around(sound, *how);
            (format!("{sound} {}", word.0), format!("{sound} {}", word.1))
        }).collect();
        // Else all of it would have been read wrongly.
        let parts = [vec![("schön".to_owned(), "schön".to_owned())], parts].concat();
        let text = parts.iter().map(|part| part.0.as_str()).collect::<Vec<_>>().join("\n");
        let read = meant(&text).unwrap_or_else(|| text.clone());
        let lines: Vec<&str> = read.lines().collect();
        prop_assert_eq!(lines.len(), parts.len());
        for (line, (shown, meant)) in lines.iter().zip(&parts) {
            prop_assert!(line == meant || line == shown, "{} of {}", line, shown);
        }
    }
}

/// Beside sound ones as well, hardly a broken word stays.
#[test]
fn broken_words_come_back() {
    let mut stay = Vec::new();
    for word in BROKEN {
        for windows in [false, true] {
            let text = format!("“Zoë” {} à", broken(word, windows));
            if read(&text) != Reading::Mixed(format!("“Zoë” {word} à")) {
                stay.push((*word, windows));
            }
        }
    }
    assert_eq!(stay, []);
}
