//! Which of many texts are parts of one long text, in a time that grows with their length and not with its product.
//!
//! A block of a mebibyte can ask for a hundred thousand parts of a text of half a mebibyte, so looking for one after
//! the other is no way. This is the automaton of Aho and Corasick: a tree of all the texts that are looked for, in
//! which each place knows the longest of its ends that is a place of the tree too. The long text is read once.

use std::collections::VecDeque;

/// The texts that are looked for, and which of them have been found.
pub struct Substrings<'t> {
    /// Sorted, each once, none empty.
    texts: Vec<&'t [u8]>,
    found: Vec<bool>,
}

/// A place in the tree of texts: a beginning that some of them share. Places are numbered in the order of their
/// lengths, so the children of one lie side by side.
#[derive(Clone, Copy)]
struct Place {
    /// The byte that leads here from the parent.
    byte: u8,
    /// The text that ends here, or [`NO_TEXT`].
    text: Number,
    /// The first child, and the number behind the last one.
    children: (Number, Number),
    /// The place of the longest proper end of this beginning.
    shorter: Number,
}

/// Number of a place or a text. Small, because there may be a place for every byte; the work budget ends far below.
type Number = u32;

const ROOT: Number = 0;
const NO_TEXT: Number = Number::MAX;

fn number(index: usize) -> Number {
    Number::try_from(index).unwrap_or(NO_TEXT)
}

const fn index(number: Number) -> usize {
    number as usize
}

impl<'t> Substrings<'t> {
    /// Looks for texts in `long`. Every text is part of itself, and an empty one of any.
    pub fn find(texts: impl Iterator<Item = &'t [u8]>, long: &[u8]) -> Self {
        let mut texts: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
        texts.sort_unstable();
        texts.dedup();
        let mut places = tree(&texts);
        link(&mut places);
        let mut reached = vec![false; places.len()];
        let mut at = ROOT;
        for byte in long {
            at = step(&places, at, *byte);
            if let Some(reached) = reached.get_mut(index(at)) {
                *reached = true;
            }
        }
        // Who is reached has reached all its ends; longer ones have the higher numbers.
        let mut found = vec![false; texts.len()];
        for (position, place) in places.iter().enumerate().rev() {
            if reached.get(position) != Some(&true) {
                continue;
            }
            if let Some(reached) = reached.get_mut(index(place.shorter)) {
                *reached = true;
            }
            if let Some(found) = found.get_mut(index(place.text)) {
                *found = true;
            }
        }
        Self { texts, found }
    }

    /// Whether a text that was looked for is a part.
    pub fn has(&self, text: &[u8]) -> bool {
        text.is_empty() || self.texts.binary_search(&text).is_ok_and(|position| self.found.get(position) == Some(&true))
    }
}

/// The tree of sorted texts, without its links.
fn tree(texts: &[&[u8]]) -> Vec<Place> {
    let new = |byte| Place { byte, text: NO_TEXT, children: (0, 0), shorter: ROOT };
    let mut places = vec![new(0)];
    // The texts that begin as a place does, for the places whose children are still to come: first text and one
    // behind the last one.
    let mut beginning = VecDeque::from([(0, number(texts.len()))]);
    let mut length = 0;
    let mut last_of_length = 0;
    let mut parent = 0;
    while let Some((mut text, end)) = beginning.pop_front() {
        let first = number(places.len());
        let mut ending = NO_TEXT;
        if text < end && texts.get(index(text)).is_some_and(|text| text.len() == length) {
            ending = text;
            text += 1;
        }
        while text < end {
            let byte = |text: Number| texts.get(index(text)).and_then(|text| text.get(length)).copied();
            let begin = text;
            let here = byte(begin);
            while text < end && byte(text) == here {
                text += 1;
            }
            beginning.push_back((begin, text));
            places.push(new(here.unwrap_or_default()));
        }
        let children = (first, number(places.len()));
        if let Some(place) = places.get_mut(parent) {
            *place = Place { text: ending, children, ..*place };
        }
        if parent == last_of_length {
            length += 1;
            last_of_length = places.len() - 1;
        }
        parent += 1;
    }
    places
}

/// Sets the links, from the shorter places to the longer ones.
fn link(places: &mut [Place]) {
    for parent in 0..places.len() {
        let Some(Place { children, shorter, .. }) = places.get(parent).copied() else { return };
        for child in children.0..children.1 {
            let byte = places.get(index(child)).map_or(0, |place| place.byte);
            let end = if parent == index(ROOT) { ROOT } else { step(places, shorter, byte) };
            if let Some(place) = places.get_mut(index(child)) {
                place.shorter = end;
            }
        }
    }
}

/// Where a byte leads from a place: down, or as far up as it takes to go down.
fn step(places: &[Place], from: Number, byte: u8) -> Number {
    let mut at = from;
    while let Some(place) = places.get(index(at)) {
        let children = places.get(index(place.children.0)..index(place.children.1)).unwrap_or_default();
        if let Ok(position) = children.binary_search_by_key(&byte, |child| child.byte) {
            return place.children.0 + number(position);
        }
        if at == ROOT {
            break;
        }
        at = place.shorter;
    }
    ROOT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_as_a_search_one_by_one_finds_them() {
        let long = b"abracadabra abacus bananas";
        let mut texts: Vec<&[u8]> = vec![b"", b"abc", b"nan", b"nann", b"acad", b"bananas", b"bananass", b"s", b"z"];
        for start in 0..long.len() {
            for end in start..=long.len() {
                texts.extend(long.get(start..end));
            }
        }
        texts.extend([b"aba".as_slice(), b"abra", b"rac", b"dac", b"cusb", b"brb"]);
        let substrings = Substrings::find(texts.iter().copied(), long);
        for text in texts {
            let expected = text.is_empty() || long.windows(text.len()).any(|window| window == text);
            assert_eq!(substrings.has(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_part_that_lies_in_a_longer_one_is_found_with_it() {
        let substrings =
            Substrings::find([b"abcd".as_slice(), b"bc", b"c", b"cd", b"d", b"bcx"].into_iter(), b"zabcdz");
        let found = |text: &[u8]| substrings.has(text);
        assert!(found(b"abcd") && found(b"bc") && found(b"c") && found(b"cd") && found(b"d"));
        assert!(!found(b"bcx") && !found(b"never asked"));
    }

    #[test]
    fn of_nothing_only_nothing_is_a_part() {
        let substrings = Substrings::find([b"".as_slice(), b"a"].into_iter(), b"");
        assert!(substrings.has(b"") && !substrings.has(b"a"));
        assert!(!Substrings::find(std::iter::empty(), b"a").has(b"a"));
    }
}
