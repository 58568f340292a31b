//! `import.toml` as it is written for an export: what this one needs, and why.

use std::fmt::Write as _;

use super::guess::{Guess, quoted};

/// What is to be written.
#[derive(Debug, Default)]
pub struct Template {
    /// What was recognised, in a line.
    pub title: String,
    /// As the user typed them.
    pub sources: Vec<String>,
    /// What has to be decided before anything is read.
    pub to_do: Vec<String>,
    /// Lines of `[export]`.
    pub export: Vec<String>,
    /// Sections of a known format, whole.
    pub sections: Vec<String>,
    /// The zone of its times, where it was said.
    pub zone: Option<String>,
    /// The mapping of an unknown one.
    pub guess: Option<Guess>,
    /// Why `[users]` translates ids; written where it is not what the format does by itself.
    pub translate: Option<String>,
}

impl Template {
    /// The text of the file.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _infallible = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        comment(out, "", &format!("{}. Written by `openim-import init`.", self.title))?;
        comment(
            out,
            "",
            "Read what is said about each guess and mend what is wrong; every key is explained in config.example.toml. Then:",
        )?;
        writeln!(
            out,
            "#   openim-import check                  what is wrong with the export; sends nothing"
        )?;
        writeln!(out, "#   openim-import run --rehearse         a whole import, into a server of its own")?;
        writeln!(
            out,
            "#   openim-import run --api URL          the import; the secret comes from OPENIM_SECRET"
        )?;
        let sources: Vec<String> = self.sources.iter().map(|source| quoted(source)).collect();
        writeln!(out, "\nsources = [{}]", sources.join(", "))?;
        if !self.to_do.is_empty() {
            writeln!(out)?;
            comment(out, "", "To be decided; `check` and `run` refuse as long as a line stands here.")?;
            writeln!(out, "to_do = [")?;
            for line in &self.to_do {
                writeln!(out, "    {},", quoted(line))?;
            }
            writeln!(out, "]")?;
        }
        if !self.export.is_empty() {
            writeln!(out, "\n[export]")?;
            for line in &self.export {
                writeln!(out, "{line}")?;
            }
        }
        for section in &self.sections {
            writeln!(out, "\n{}", section.trim_end())?;
        }
        if let Some(guess) = &self.guess {
            mapping(out, guess, self.zone.as_deref())?;
        }
        if let Some(why) = &self.translate {
            writeln!(out, "\n[users]")?;
            comment(out, "", why)?;
            writeln!(out, "ids = \"translate\"")?;
            comment(out, "", "To give some of them other ids: a CSV with id,openim_id,nickname,face_url")?;
            writeln!(out, "#file = \"users.csv\"")?;
        }
        writeln!(out, "\n[server]")?;
        writeln!(out, "#api = \"http://127.0.0.1:10002\"        # the address of the OpenIM API")
    }
}

fn mapping(out: &mut String, guess: &Guess, zone: Option<&str>) -> std::fmt::Result {
    for note in &guess.notes {
        writeln!(out)?;
        comment(out, "", note)?;
    }
    if let Some(zone) = zone {
        writeln!(out, "\n[mapping]\nzone = {}", quoted(zone))?;
    } else if guess.needs_zone {
        writeln!(out, "\n[mapping]")?;
        let note =
            "The times do not say their zone, and it can't be guessed: put in the one they were written in.";
        comment(out, "", note)?;
        writeln!(out, "#zone = \"Asia/Shanghai\"               # or \"Europe/Berlin\", \"+08:00\"")?;
    }
    writeln!(out, "\n[mapping.fields]")?;
    let width = guess.fields.iter().map(|field| field.key.name().len()).max().unwrap_or(0);
    for field in &guess.fields {
        comment(out, "", &field.note)?;
        writeln!(out, "{:width$} = {}", field.key.name(), field.rule)?;
    }
    for open in &guess.open {
        comment(out, "MISSING: ", &open.note)?;
        if open.choices.is_empty() {
            writeln!(out, "#{} = \"…\"", open.key.name())?;
        }
        for choice in &open.choices {
            writeln!(out, "#{} = {choice}", open.key.name())?;
        }
    }
    if !guess.unused.is_empty() {
        comment(out, "", "Not used:")?;
        for column in &guess.unused {
            writeln!(out, "#   {column}")?;
        }
    }
    for rule in &guess.leave_out {
        writeln!(out)?;
        comment(out, "", &rule.note)?;
        writeln!(
            out,
            "[[mapping.leave_out]]\ncolumn = {}\n{}\nreason = {}",
            quoted(&rule.column),
            rule.condition,
            quoted(rule.reason)
        )?;
    }
    Ok(())
}

/// A comment over as many lines as it takes.
fn comment(out: &mut String, mark: &str, text: &str) -> std::fmt::Result {
    const WIDTH: usize = 106;
    let text = format!("{mark}{text}");
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() > WIDTH && line.len() > 1 {
            writeln!(out, "{line}")?;
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(out, "{line}")
}
