//! Bounds for jq programs: steps, time, depth and size for each record.
//!
//! jaq has none, and it runs in our own process: a program that calls itself without end would abort it. So every
//! call in a program, every element that it collects and every turn of a fold begins with a step
//! ([`counted`](super::counted)), and a step looks at what is used up.

use std::cell::Cell;
use std::time::{Duration, Instant};

use jaq_core::{DataT, Error, Exn, Native, native};
use jaq_json::{Num, Val};

/// Steps for one record: many thousands of messages can be made of it.
const STEPS: u32 = if cfg!(test) { 200_000 } else { 2_000_000 };
const TIME: Duration = Duration::from_secs(10);
/// Of the stack, of which a thread has 2 MiB.
const STACK: usize = 512 << 10;
/// Bytes of a text, and four times the elements of a list.
const SIZE: usize = 64 << 20;
/// Lists in lists; what is nested deeper can't be dropped either.
const DEPTH: usize = 512;
/// Digits of a number: to read and to multiply them takes their square.
const DIGITS: usize = 4_000;
/// Calls of a definition that calls itself and has a filter as an argument: each remembers the one before it.
const HELD: u32 = 5_000;

#[derive(Clone, Copy)]
struct Used {
    steps: u32,
    held: u32,
    base: usize,
    until: Instant,
}

thread_local! {
    static USED: Cell<Option<Used>> = const { Cell::new(None) };
}

/// A record begins.
pub(super) fn begin() {
    USED.set(Some(Used { steps: 0, held: 0, base: here(), until: Instant::now() + TIME }));
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
    if used.steps > STEPS {
        return Err(format!("the program takes more than {STEPS} steps for this record: does it end?"));
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
    if size > SIZE {
        return Err(format!("the program makes a value of more than {} MiB of this record", SIZE >> 20));
    }
    // One step of 256, and not always the same one of a loop.
    if used.steps.wrapping_mul(0x9e37_79b1) >> 24 == 0 {
        if Instant::now() > used.until {
            return Err(format!("the program takes longer than {} s for this record", TIME.as_secs()));
        }
        if is_deeper(value, DEPTH) {
            return Err(format!("the program makes lists of lists, more than {DEPTH} deep, of this record"));
        }
    }
    Ok(())
}

fn is_deeper(value: &Val, than: usize) -> bool {
    match value {
        _ if than == 0 => true,
        Val::Arr(list) => list.iter().any(|value| is_deeper(value, than - 1)),
        Val::Obj(object) => object.values().any(|value| is_deeper(value, than - 1)),
        _ => false,
    }
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

/// What is looked at before the input goes on.
trait Look {
    const NAME: &str;
    fn look(value: &Val) -> Result<(), String>;
}

struct Step;
struct Hold;
struct Readable;

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

/// The filters that look at what is used up and give their input on.
pub(super) fn filters<D>() -> [native::Fun<D>; 3]
where
    D: for<'a> DataT<V<'a> = Val>,
{
    [filter::<D, Step>(), filter::<D, Hold>(), filter::<D, Readable>()]
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
