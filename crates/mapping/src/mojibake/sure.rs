//! Which characters can only have been read wrongly: no language writes them so. What could have been written is left as it
//! stands, because a text that somebody wrote must not become another.

use super::Part;

/// For each part of a text whether it was surely read wrongly.
pub(super) fn wrong(parts: &[Part]) -> Vec<bool> {
    let sequences = || parts.iter().filter(|part| matches!(part, Part::Sequence { .. }));
    if parts.iter().all(is_nothing_else) && (parts.iter().any(proves) || sequences().count() > 1) {
        return parts.iter().map(|part| matches!(part, Part::Sequence { .. })).collect();
    }
    let of_runs = of_runs(parts);
    let in_runs = parts.iter().zip(&of_runs).filter(|(_, of_a_run)| **of_a_run);
    let scripts: Vec<Script> = in_runs.filter_map(|(part, _)| script_of(part)).collect();
    let near = |at: Option<usize>| at.and_then(|at| parts.get(at)).map_or(' ', read_as);
    let alone = |at: usize| {
        let Part::Sequence { shown, meant } = &parts[at] else { return false };
        let (before, after) = (near(at.checked_sub(1)), near(Some(at + 1)));
        let is_among_its_own = script(*meant).is_some_and(|script| scripts.contains(&script));
        is_alone(shown, *meant, before, after)
            || (is_among_its_own && before.is_whitespace() && is_letter_of_its_own(shown, *meant))
    };
    (0..parts.len()).map(|at| of_runs[at] || alone(at)).collect()
}

/// Whether a text of such parts has no letter but those of three bytes and more: `嗯` is an answer, and `å—¯` is none.
fn is_nothing_else(part: &Part) -> bool {
    match part {
        Part::Other(c) => !c.is_alphabetic(),
        Part::Sound(_) => false,
        Part::Sequence { shown, meant } => shown[2] != '\0' && script(*meant).is_some(),
    }
}

/// Groups of characters that stand beside each other in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Hebrew,
    Arabic,
    Indic,
    Korean,
    Chinese,
    Symbols,
    Emoji,
}

/// Of what is written; `None` for what hardly anybody writes.
fn script(c: char) -> Option<Script> {
    Some(match u32::from(c) {
        0xa0..=0x24f | 0x1e00..=0x1eff => Script::Latin,
        0x370..=0x3ff => Script::Greek,
        0x400..=0x4ff => Script::Cyrillic,
        0x5d0..=0x5ea => Script::Hebrew,
        0x600..=0x6ff => Script::Arabic,
        0x900..=0xe7f => Script::Indic,
        0xac00..=0xd7a3 => Script::Korean,
        0x3000..=0x30ff | 0x3400..=0x9fff | 0xff00..=0xffef | 0x20000..=0x3134f => Script::Chinese,
        0x2000..=0x2bff | 0xfe0f | 0xfeff => Script::Symbols,
        0x1f000..=0x1fbff => Script::Emoji,
        _ => return None,
    })
}

fn script_of(part: &Part) -> Option<Script> {
    match part {
        Part::Sequence { meant, .. } => script(*meant),
        _ => None,
    }
}

/// Those that stand beside others of their script: letter, sign, letter, sign. Single signs that follow letters everywhere
/// (`Ä–Ö–`) prove nothing.
fn of_runs(parts: &[Part]) -> Vec<bool> {
    let runs = parts.chunk_by(|a, b| script_of(a).is_some() && script_of(a) == script_of(b));
    runs.flat_map(|run| {
        let two_signs = |part: &Part| matches!(part, Part::Sequence { shown, .. } if shown[2] != '\0');
        let is_wrong = run.len() > 1 && run.iter().any(|part| proves(part) || two_signs(part));
        std::iter::repeat_n(is_wrong, run.len())
    })
    .collect()
}

/// Whether its signs don't all stand behind letters.
fn proves(part: &Part) -> bool {
    matches!(part, Part::Sequence { shown, .. } if !signs(shown).all(could_follow))
}

/// Whether one alone can't have been written, by what it means and by what stands before and after it.
fn is_alone(shown: &[char; 4], meant: char, before: char, after: char) -> bool {
    let (first, sign) = (shown[0], of_windows(shown[1]));
    let is_odd = |sign: char| !could_follow(sign) && !of_windows(sign).is_alphabetic();
    // After a small letter no capital is written.
    let in_word = before.is_lowercase();
    // Nothing closes in front of a word.
    let opens = !before.is_alphabetic() && after.is_alphabetic() && matches!(sign, '›' | '»' | '™');
    match script(meant) {
        Some(Script::Emoji) => true,
        Some(Script::Latin) => match first {
            // No word is `Ã` alone; `“Ã”` names the letter.
            'Â' | 'Ã' if !before.is_alphabetic() && !is_quote(before) => true,
            'Â'..='Å' => !could_follow(sign) || in_word || opens,
            'Æ'..='É' => in_word || opens,
            // Vietnamese, of three bytes.
            _ => signs(shown).any(is_odd),
        },
        Some(Script::Symbols) => {
            signs(shown).any(|sign| if before.is_alphabetic() { is_odd(sign) } else { !could_follow(sign) })
        }
        // `é €5`, with a blank that does not break.
        Some(Script::Chinese | Script::Korean | Script::Indic) => {
            !before.is_alphabetic() && sign != '\u{a0}' && signs(shown).any(is_odd)
        }
        // `3×½`, `Ø²`, `Ñ·`: one alone is hardly a word of theirs.
        _ => false,
    }
}

/// Whether it may be a word of one letter, such as `и`, where the text has others of its script.
fn is_letter_of_its_own(shown: &[char; 4], meant: char) -> bool {
    let sign = of_windows(shown[1]);
    let closes = "“”‘’‚„«»‹›–—…™\u{a0}".contains(sign);
    !matches!(script(meant), None | Some(Script::Latin | Script::Symbols))
        && sign != '\u{a0}'
        && (!signs(shown).all(could_follow) || (matches!(shown[0], 'Ð' | 'Ñ') && !closes))
}

fn signs(shown: &[char; 4]) -> impl Iterator<Item = char> {
    shown.iter().copied().skip(1).filter(|c| *c != '\0')
}

/// What Windows-1252 has where Latin-1 has a control character.
fn of_windows(sign: char) -> char {
    match sign {
        '\u{80}'..='\u{9f}' => super::WINDOWS.chars().nth(sign as usize - 0x80).unwrap_or(sign),
        sign => sign,
    }
}

/// What can stand behind a letter in any text.
fn could_follow(sign: char) -> bool {
    "“”‘’‚„«»‹›–—…\u{a0}\u{ad}·•™®©°¹²³ªº§´˜ˆ½¼¾".contains(of_windows(sign))
}

fn is_quote(c: char) -> bool {
    "“”‘’‚„«»‹›\"'([".contains(c)
}

/// What a neighbour is.
fn read_as(part: &Part) -> char {
    match part {
        Part::Other(c) | Part::Sound(c) => *c,
        Part::Sequence { meant, .. } => *meant,
    }
}
