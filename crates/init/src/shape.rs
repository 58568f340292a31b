//! The shape of unknown JSON: which keys, of which types, how deep; and where in it the records are.
//!
//! Read as a stream: a document is never held whole, and what is kept of it is bounded.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::values::Column;

/// What was seen at one place of the documents.
#[derive(Debug, Default)]
pub struct Shape {
    /// Texts, numbers, `true` and `false` here.
    pub scalars: Column,
    /// Which types of them: text, number, bool, null.
    pub types: [u64; 4],
    /// Objects here.
    pub objects: u64,
    /// Lists here.
    pub lists: u64,
    /// What stands under the keys of the objects, in the order in which they appeared.
    pub members: Vec<(String, Shape)>,
    /// The keys are data (ids, names): all are folded into one called `*`.
    pub folded: bool,
    /// What stands in the lists.
    pub element: Option<Box<Shape>>,
}

/// More keys than an object has whose keys are names of fields.
const KEYS: usize = 80;
/// Deeper than anybody exports; `serde_json` itself ends at 128.
const DEPTH: usize = 40;

impl Shape {
    /// Looks at the JSON values of a text, one after another, until they end or are cut off. Gives how many
    /// were whole, and the error that ended it, if it was none of being cut off.
    pub fn read(&mut self, text: impl std::io::Read) -> (u64, Option<serde_json::Error>) {
        let mut whole = 0;
        // A value after another, or one list: both are read by the same deserializer, which is asked again.
        let mut deserializer = serde_json::Deserializer::from_reader(text);
        loop {
            match (Look { shape: self, depth: 0 }).deserialize(&mut deserializer) {
                Ok(()) => whole += 1,
                Err(error) if error.is_eof() => return (whole, None),
                Err(error) => return (whole, Some(error)),
            }
        }
    }

    /// The lists whose elements are objects, with their path as the `records` setting writes it, the longest
    /// first.
    pub fn lists_of_objects(&self) -> Vec<(String, &Shape)> {
        let mut found = Vec::new();
        self.collect("", &mut found);
        found.sort_by_key(|(_, shape)| std::cmp::Reverse(shape.objects));
        found
    }

    fn collect<'s>(&'s self, path: &str, found: &mut Vec<(String, &'s Self)>) {
        for (key, member) in &self.members {
            let key = if self.folded { "*".to_owned() } else { step(key) };
            let path = if path.is_empty() { key } else { format!("{path}.{key}") };
            member.collect(&path, found);
        }
        if let Some(element) = &self.element {
            let path = format!("{path}[]");
            if element.objects > 0 {
                found.push((path.clone(), element));
            }
            element.collect(&path, found);
        }
    }

    /// Folds objects whose keys are data: several members of the same look, such as a room under each id.
    pub fn fold(&mut self) {
        for (_, member) in &mut self.members {
            member.fold();
        }
        if let Some(element) = &mut self.element {
            element.fold();
        }
        let [(_, first), rest @ ..] = &self.members[..] else { return };
        if self.folded || rest.is_empty() || !rest.iter().all(|(_, other)| first.is_like(other)) {
            return;
        }
        let mut members = std::mem::take(&mut self.members).into_iter();
        if let Some((name, mut one)) = members.next() {
            members.for_each(|(_, other)| one.merge(other));
            self.members.push((name, one));
            self.folded = true;
        }
    }

    /// Whether both are objects of about the same keys that hold lists of objects, or lists of such objects.
    fn is_like(&self, other: &Self) -> bool {
        let only = |shape: &Self| shape.types.iter().sum::<u64>() == 0;
        if !only(self) || !only(other) {
            return false;
        }
        if let (Some(a), Some(b)) = (&self.element, &other.element) {
            return self.objects + other.objects == 0 && a.objects > 0 && b.objects > 0 && a.shares_keys(b);
        }
        let lists = |shape: &Self| !shape.lists_of_objects().is_empty();
        self.lists + other.lists == 0 && lists(self) && lists(other) && self.shares_keys(other)
    }

    /// Whether most keys of the poorer one are keys of the richer one.
    fn shares_keys(&self, other: &Self) -> bool {
        let (few, many) =
            if self.members.len() < other.members.len() { (self, other) } else { (other, self) };
        let shared =
            few.members.iter().filter(|(key, _)| many.members.iter().any(|(name, _)| name == key)).count();
        shared > 0 && shared * 2 >= few.members.len()
    }

    /// Takes in what was seen elsewhere.
    fn merge(&mut self, other: Self) {
        for (count, more) in self.types.iter_mut().zip(other.types) {
            *count += more;
        }
        self.objects += other.objects;
        self.lists += other.lists;
        self.folded |= other.folded;
        for (key, shape) in other.members {
            match self.members.iter_mut().find(|(name, _)| *name == key) {
                Some((_, member)) => member.merge(shape),
                None => self.members.push((key, shape)),
            }
        }
        match (&mut self.element, other.element) {
            (Some(element), Some(more)) => element.merge(*more),
            (element @ None, more) => *element = more,
            (Some(_), None) => {}
        }
    }

    /// Whether there is an object anywhere.
    pub fn has_objects(&self) -> bool {
        self.objects > 0
            || self.element.as_ref().is_some_and(|element| element.has_objects())
            || self.members.iter().any(|(_, member)| member.has_objects())
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.objects + self.lists + self.types.iter().sum::<u64>() == 0
    }
}

/// A key as a step of a path.
pub(super) fn step(key: &str) -> String {
    if key.is_empty() || key == "*" || key.contains(['.', '[', ']', '"', ' ']) {
        format!("\"{key}\"")
    } else {
        key.to_owned()
    }
}

/// An indented list of keys, types and examples.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines(f, "", 0)
    }
}

impl Shape {
    fn lines(&self, f: &mut fmt::Formatter<'_>, name: &str, indent: usize) -> fmt::Result {
        if indent > 0 {
            let name = format!("{:indent$}{name}", "", indent = (indent - 1) * 2);
            let mut types = Vec::new();
            for (count, word) in self.types.iter().zip(["text", "number", "true/false", "null"]) {
                if *count > 0 {
                    types.push(word.to_owned());
                }
            }
            if self.objects > 0 {
                types.push(format!("object ×{}", self.objects));
            }
            if self.lists > 0 {
                types.push(format!("list ×{}", self.lists));
            }
            write!(f, "  {name:<32} {}", types.join(" or "))?;
            if let Some(example) = self.scalars.examples.first() {
                write!(f, "  {}", cut(example))?;
            }
            writeln!(f)?;
        }
        for (key, member) in &self.members {
            let name = if self.folded { "* (the keys are data)" } else { key };
            member.lines(f, name, indent + 1)?;
        }
        if let Some(element) = &self.element {
            element.lines(f, "[]", indent + 1)?;
        }
        Ok(())
    }
}

fn cut(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        text.to_owned()
    } else {
        text.chars().take(MOST).chain(['…']).collect()
    }
}

struct Look<'s> {
    shape: &'s mut Shape,
    depth: usize,
}

impl Look<'_> {
    fn scalar(self, kind: usize, value: &str) {
        self.shape.types[kind] += 1;
        self.shape.scalars.add(value);
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.scalar(0, text);
        Ok(())
    }

    fn visit_u64<E>(self, n: u64) -> Result<(), E> {
        self.scalar(1, &n.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, n: i64) -> Result<(), E> {
        self.scalar(1, &n.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, n: f64) -> Result<(), E> {
        self.scalar(1, &n.to_string());
        Ok(())
    }

    fn visit_bool<E>(self, yes: bool) -> Result<(), E> {
        self.scalar(2, if yes { "true" } else { "false" });
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.shape.types[3] += 1;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        deeper::<A::Error>(self.depth)?;
        self.shape.lists += 1;
        let element = self.shape.element.get_or_insert_default();
        while list.next_element_seed(Look { shape: element, depth: self.depth + 1 })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        deeper::<A::Error>(self.depth)?;
        self.shape.objects += 1;
        while let Some(key) = map.next_key::<String>()? {
            let members = &mut self.shape.members;
            if !self.shape.folded && members.len() == KEYS && members.iter().all(|(name, _)| *name != key) {
                // The first stands for all that were seen.
                members.truncate(1);
                self.shape.folded = true;
            }
            let at = match members.iter().position(|(name, _)| *name == key) {
                Some(at) => at,
                None if self.shape.folded => 0,
                None => {
                    members.push((key, Shape::default()));
                    members.len() - 1
                }
            };
            let shape = &mut self.shape.members[at].1;
            map.next_value_seed(Look { shape, depth: self.depth + 1 })?;
        }
        Ok(())
    }
}

fn deeper<E: Error>(depth: usize) -> Result<(), E> {
    if depth < DEPTH { Ok(()) } else { Err(E::custom(format!("nested more than {DEPTH} deep"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Shape {
        let mut shape = Shape::default();
        shape.read(text.as_bytes());
        shape
    }

    #[test]
    fn keys_types_examples_and_nesting() {
        let text = r#"{"about":"x","chats":{"list":[
            {"id":1,"name":null,"messages":[{"id":1,"text":"hi"},{"id":2,"text":["a",{"type":"link"}]}]},
            {"id":2,"name":"Ann","messages":[{"id":1,"text":"yo","file":"https://x/y?t=secret"}]}]}}"#;
        let shape = shape(text);
        insta::assert_snapshot!(shape.to_string(), @r#"
about                            text  x
chats                            object ×1
  list                           list ×1
    []                           object ×2
      id                         number  1
      name                       text or null  Ann
      messages                   list ×2
        []                       object ×3
          id                     number  1
          text                   text or list ×1  hi
            []                   text or object ×1  a
              type               text  link
          file                   text  https://x/y?…
"#);
        let lists = shape.lists_of_objects();
        let paths: Vec<&str> = lists.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["chats.list[].messages[]", "chats.list[]", "chats.list[].messages[].text[]"]);
    }

    #[test]
    fn values_one_after_another_and_a_cut_off_end() {
        let mut shape = Shape::default();
        let (whole, error) = shape.read(&b"{\"a\":1}\n{\"a\":2}\n{\"a\":"[..]);
        assert!(error.is_none());
        assert_eq!((whole, shape.objects), (2, 3));
        assert_eq!(shape.members[0].1.scalars.filled, 2);
        let (whole, error) = Shape::default().read(&b"{\"a\":1}\n{a}"[..]);
        assert!(whole == 1 && error.is_some());
    }

    #[test]
    fn keys_that_are_data_are_folded() {
        let members: Vec<String> = (0..500).map(|n| format!("\"U{n}\":{{\"name\":\"n{n}\"}}")).collect();
        let shape = shape(&format!("{{\"users\":{{{}}}}}", members.join(",")));
        let users = &shape.members[0].1;
        assert!(users.folded);
        assert_eq!((users.members.len(), users.members[0].1.objects), (1, 421));
        assert!(shape.to_string().contains("* (the keys are data)"));
    }

    #[test]
    fn too_deep_is_an_error_and_no_crash() {
        let (_, error) = Shape::default().read("[".repeat(10_000).as_bytes());
        assert!(error.unwrap().to_string().contains("nested more than"));
    }
}
