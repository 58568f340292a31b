//! Bounds for jq programs: steps, time, depth and size for each record.
//!
//! jaq has none, and it runs in our own process: a program that calls itself without end would abort it. So every
//! call in a program, every element that it collects and every turn of a fold begins with a step
//! ([`counted`](super::counted)), and a step looks at what is used up.
//!
//! Lists share what they hold: `[., .]` sixty times takes little memory, and is written, compared or searched for ever.
//! So a value is weighed with all that it holds before anything walks through it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use jaq_core::{Cv, DataT, Error, Exn, Native, native};
use jaq_json::{Num, Val};

/// What a program may use up for one record.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Many thousands of messages can be made of a record with those of the default.
    pub steps: u32,
    /// Bytes of a value: of its texts, and four for each value in it.
    pub size: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { steps: 2_000_000, size: 64 << 20 }
    }
}

const TIME: Duration = Duration::from_secs(10);
/// Of the stack, of which a thread has 2 MiB.
const STACK: usize = 512 << 10;
/// Bytes of a text that is searched, or taken apart into its characters. That is one call, which nothing stops, and counts
/// characters from the beginning for each match: of 1 MiB, `[match("a*?"; "g")]` took 1.2 GB and more than 42 s.
const SEARCHED: usize = 128 << 10;
/// Lists in lists; what is nested deeper can't be dropped either.
const DEPTH: usize = 512;
/// Digits of a number: to read and to multiply them takes their square.
const DIGITS: usize = 4_000;
/// Calls of a definition that calls itself and has a filter as an argument: each remembers the one before it.
const HELD: u32 = 5_000;

#[derive(Clone, Copy)]
struct Used {
    bounds: Bounds,
    steps: u32,
    held: u32,
    base: usize,
    until: Instant,
}

thread_local! {
    static USED: Cell<Option<Used>> = const { Cell::new(None) };
}

/// A record begins.
pub(super) fn begin(bounds: Bounds) {
    USED.set(Some(Used { bounds, steps: 0, held: 0, base: here(), until: Instant::now() + TIME }));
}

/// About where the stack is.
#[inline(never)]
fn here() -> usize {
    let mark = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&mark)).addr()
}

fn step(value: &Val) -> Result<(), String> {
    let Some(mut used) = USED.get() else { return Ok(()) };
    used.steps += 1;
    USED.set(Some(used));
    let Bounds { steps, size: most } = used.bounds;
    if used.steps > steps {
        return Err(format!("the program takes more than {steps} steps for this record: does it end?"));
    }
    if used.base.abs_diff(here()) > STACK {
        return Err("the program nests its calls too deeply: does it call itself without end?".to_owned());
    }
    let size = match value {
        Val::BStr(text) | Val::TStr(text) => text.len(),
        Val::Arr(list) => list.len().saturating_mul(4),
        Val::Num(Num::BigInt(number)) if number.bits() > DIGITS as u64 * 4 => return Err(long_number()),
        _ => 0,
    };
    if size > most {
        return Err(too_large(most));
    }
    // One step of 256, and not always the same one of a loop.
    if used.steps.wrapping_mul(0x9e37_79b1) >> 24 == 0 {
        in_time(used)?;
        weigh(value)?;
    }
    Ok(())
}

fn in_time(used: Used) -> Result<(), String> {
    if Instant::now() > used.until {
        return Err(format!("the program takes longer than {} s for this record", TIME.as_secs()));
    }
    Ok(())
}

/// A value with all that it holds, each part as often as it is held.
pub(super) fn weigh(value: &Val) -> Result<(), String> {
    /// Values that are walked through in no time.
    const FEW: usize = 4_000;
    let most = most();
    let mut left = most;
    walk(value, DEPTH, &mut left)?;
    match USED.get() {
        Some(used) if most - left > FEW => in_time(used),
        _ => Ok(()),
    }
}

fn walk(value: &Val, depth: usize, left: &mut usize) -> Result<(), String> {
    let own = if let Val::BStr(text) | Val::TStr(text) = value { text.len() } else { 0 };
    *left = left.checked_sub(own + 4).ok_or_else(|| too_large(most()))?;
    if depth == 0 {
        return Err(format!("the program makes lists of lists, more than {DEPTH} deep, of this record"));
    }
    match value {
        Val::Arr(list) => list.iter().try_for_each(|value| walk(value, depth - 1, left)),
        Val::Obj(object) => object.iter().try_for_each(|(key, value)| {
            walk(key, depth - 1, left).and_then(|()| walk(value, depth - 1, left))
        }),
        _ => Ok(()),
    }
}

/// Bytes that a value may have.
fn most() -> usize {
    USED.get().map_or(Bounds::default().size, |used| used.bounds.size)
}

fn too_large(most: usize) -> String {
    format!("the program makes a value of more than {} MiB of this record", most >> 20)
}

/// A text that is searched for all matches, or taken apart.
fn searched(value: &Val) -> Result<(), String> {
    match value {
        Val::BStr(text) | Val::TStr(text) if text.len() > SEARCHED => {
            Err(format!("the program searches a text of more than {} KiB, or takes it apart", SEARCHED >> 10))
        }
        _ => step(value),
    }
}

/// A text so many times over, or two numbers or objects.
fn times(left: Val, right: Val) -> Result<Val, Error<Val>> {
    let (text, number) = match (&left, &right) {
        (Val::BStr(text) | Val::TStr(text), Val::Num(number))
        | (Val::Num(number), Val::BStr(text) | Val::TStr(text)) => (text.len(), number),
        _ => return left * right,
    };
    let size = most();
    let most = size / text.max(1);
    let is_more = match number {
        Num::Int(times) => usize::try_from(*times).is_ok_and(|times| times > most),
        Num::BigInt(_) => true,
        _ => false,
    };
    if is_more { Err(said(too_large(size))) } else { left * right }
}

/// A text taken apart at another, or two numbers.
fn parts(left: Val, right: Val) -> Result<Val, Error<Val>> {
    if let (Val::BStr(text) | Val::TStr(text), Val::BStr(at) | Val::TStr(at)) = (&left, &right) {
        let most = if at.is_empty() { text.len() } else { memchr::memmem::find_iter(text, &**at).count() };
        if most > SEARCHED {
            return Err(said(format!("the program takes a text apart into more than {SEARCHED} parts")));
        }
    }
    left / right
}

fn said(why: String) -> Error<Val> {
    Error::new(Val::from(why))
}

/// A call that holds on to the one before it.
fn hold(value: &Val) -> Result<(), String> {
    let Some(mut used) = USED.get() else { return Ok(()) };
    used.held += 1;
    USED.set(Some(used));
    if used.held > HELD {
        return Err(format!(
            "the program calls a definition with a filter as argument from itself, more than {HELD} times for this record"
        ));
    }
    step(value)
}

/// Text that is to be read as JSON.
fn readable(value: &Val) -> Result<(), String> {
    if let Val::BStr(text) | Val::TStr(text) = value {
        let (mut depth, mut digits) = (0_usize, 0_usize);
        let (mut inside, mut escaped) = (false, false);
        for byte in text.iter() {
            digits = if !inside && byte.is_ascii_digit() { digits + 1 } else { 0 };
            match byte {
                _ if escaped => escaped = false,
                b'\\' if inside => escaped = true,
                b'"' => inside = !inside,
                b'[' | b'{' if !inside => depth += 1,
                b']' | b'}' if !inside => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > DEPTH {
                return Err(format!("the program reads JSON with lists of lists, more than {DEPTH} deep"));
            }
            if digits > DIGITS {
                return Err(long_number());
            }
        }
    }
    step(value)
}

fn long_number() -> String {
    format!("the program has a number of more than {DIGITS} digits")
}

/// No program can write these names.
pub(super) const STEP: &str = "step of ours";
pub(super) const HOLD: &str = "hold of ours";
pub(super) const READABLE: &str = "readable of ours";
pub(super) const WEIGH: &str = "weight of ours";
pub(super) const SEARCH: &str = "search of ours";
pub(super) const TIMES: &str = "times of ours";
pub(super) const PARTS: &str = "parts of ours";

/// What is looked at before the input goes on.
trait Look {
    const NAME: &str;
    fn look(value: &Val) -> Result<(), String>;
}

struct Step;
struct Hold;
struct Readable;
struct Weigh;
struct Search;

impl Look for Step {
    const NAME: &str = STEP;
    fn look(value: &Val) -> Result<(), String> {
        step(value)
    }
}

impl Look for Hold {
    const NAME: &str = HOLD;
    fn look(value: &Val) -> Result<(), String> {
        hold(value)
    }
}

impl Look for Readable {
    const NAME: &str = READABLE;
    fn look(value: &Val) -> Result<(), String> {
        readable(value)
    }
}

impl Look for Weigh {
    const NAME: &str = WEIGH;
    fn look(value: &Val) -> Result<(), String> {
        step(value)?;
        weigh(value)
    }
}

impl Look for Search {
    const NAME: &str = SEARCH;
    fn look(value: &Val) -> Result<(), String> {
        searched(value)
    }
}

/// The filters that look at what is used up and give their input on, and the two operators with bounds.
pub(super) fn filters<D>() -> [native::Fun<D>; 7]
where
    D: for<'a> DataT<V<'a> = Val>,
{
    [
        filter::<D, Step>(),
        filter::<D, Hold>(),
        filter::<D, Readable>(),
        filter::<D, Weigh>(),
        filter::<D, Search>(),
        (TIMES, native::v(2), Native::new(|cv| operator(cv, times))),
        (PARTS, native::v(2), Native::new(|cv| operator(cv, parts))),
    ]
}

fn operator<'a, D>(
    (mut context, _): Cv<'a, D>,
    f: fn(Val, Val) -> Result<Val, Error<Val>>,
) -> Box<dyn Iterator<Item = Result<Val, Exn<'a, Val>>> + 'a>
where
    D: DataT<V<'a> = Val>,
{
    let right = context.pop_var();
    let left = context.pop_var();
    Box::new(std::iter::once(f(left, right).map_err(Exn::from)))
}

fn filter<D, L: Look>() -> native::Fun<D>
where
    D: for<'a> DataT<V<'a> = Val>,
{
    let native = Native::new(|cv| {
        let done = L::look(&cv.1).map_err(|why| Exn::from(Error::new(Val::from(why))));
        Box::new(std::iter::once(done.map(|()| cv.1)))
    })
    .with_paths(|cv| {
        let done = L::look(&cv.1.0).map_err(|why| Exn::from(Error::new(Val::from(why))));
        Box::new(std::iter::once(done.map(|()| cv.1)))
    })
    .with_update(|cv, f| match L::look(&cv.1) {
        Ok(()) => f(cv.1),
        Err(why) => Box::new(std::iter::once(Err(Exn::from(Error::new(Val::from(why)))))),
    });
    (L::NAME, native::v(0), native)
}
