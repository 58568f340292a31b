//! JSON of any layout, streamed: one list, objects one after another, lists inside objects.

use std::sync::Arc;

use super::json_walk::{Look, Walk};
use super::{Chunk, Context, Cutter, ExportError, Input, Pool, Shape};
use crate::codes;
use crate::finding::{Code, Finding};
use crate::message::Place;
use crate::path::RecordPath;
use crate::window::Window;

/// Cuts out the values that the paths lead to. What stands before them in enclosing objects is inherited; what
/// stands behind them is not known yet when they are handed out.
///
/// Commas are taken as blanks: lists with one too many or one missing, and files of comma-terminated objects,
/// read like any other.
pub struct Json {
    max: usize,
    walk: Walk,
    window: Option<Window>,
    /// With the inherited values in it; made anew when they change.
    context: Option<Arc<Context>>,
    done: bool,
}

impl Json {
    /// Records where the paths lead; without a path every value at the top, or every element of a list
    /// there. At most 32 paths, no record longer than `max` bytes.
    pub fn new(max: usize, paths: Vec<RecordPath>) -> Self {
        Self { max, walk: Walk::new(paths), window: None, context: None, done: false }
    }
}

impl Cutter for Json {
    fn next(
        &mut self,
        input: &mut Input,
        context: &Arc<Context>,
        pool: &mut Pool,
    ) -> Result<Option<Chunk>, ExportError> {
        let mut window = self.window.take().unwrap_or_else(|| Window::new(input));
        let mut findings = Vec::new();
        let mut size = pool.size().min(self.max + 1);
        let end = loop {
            if self.done {
                break 0;
            }
            let look = self.walk.look(window.text(), window.ended());
            let (line, byte) = (window.line(), window.byte());
            let at = |offset: usize, code: &'static Code, value: &str| {
                let line = line + crate::window::count_lines(&window.text()[..offset]);
                let place = Place { source: input.no(), line, byte: byte + offset as u64, part: 0 };
                Finding::new(code, place, value)
            };
            match look {
                Look::On => {}
                Look::Flush => break self.walk.keep(),
                Look::Deep(offset) => findings.push(at(offset, &codes::JSON_TOO_DEEP, "")),
                Look::More => {
                    let keep = self.walk.keep();
                    if self.walk.has_records() {
                        break keep;
                    }
                    window.skip(keep);
                    self.walk.moved(keep);
                    if window.text().len() >= size {
                        if size <= self.max {
                            size = (size * 2).min(self.max + 1);
                        } else if let Some(start) = self.walk.give_up() {
                            findings.push(too_long(input, &window, start));
                            continue;
                        } else {
                            findings.push(too_long(input, &window, 0));
                            self.done = true;
                        }
                    }
                    window.fill(input, size)?;
                }
                Look::End => {
                    self.done = true;
                    if !self.walk.reached() {
                        let place = Place { source: input.no(), line: 1, byte: 0, part: 0 };
                        findings.push(Finding::new(&codes::RECORDS_NOT_FOUND, place, &self.walk.paths()));
                    }
                    break window.text().len();
                }
                Look::Broken(offset, why) => {
                    findings.push(at(offset, &codes::JSON_STRUCTURE, why));
                    self.done = true;
                    break offset;
                }
            }
        };
        if end == 0 && findings.is_empty() && self.done {
            return Ok(None);
        }
        let context = match &self.context {
            Some(made) if !self.walk.inherited().take_changed() => Arc::clone(made),
            _ => {
                let mut made = Context::clone(context);
                made.values.extend_from_slice(self.walk.inherited().values());
                Arc::clone(self.context.insert(Arc::new(made)))
            }
        };
        let spans = self.walk.take_records();
        let (first_line, first_byte) = (window.line(), window.byte());
        let text = window.take(end, pool);
        self.walk.moved(end);
        self.window = Some(window);
        let source = input.no();
        Ok(Some(Chunk {
            first: false,
            source,
            shape: Shape::Values,
            first_line,
            first_byte,
            text,
            spans,
            context,
            findings,
        }))
    }
}

fn too_long(input: &Input, window: &Window, start: usize) -> Finding {
    let text = &window.text()[start..];
    let place =
        Place { source: input.no(), line: window.line(), byte: window.byte() + start as u64, part: 0 };
    Finding::new(&codes::RECORD_TOO_LONG, place, &String::from_utf8_lossy(&text[..text.len().min(200)]))
}
