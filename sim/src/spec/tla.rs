//! Values as TLC prints them: `(n1 :> {0} @@ n2 :> <<>>)`.

use std::fmt::Display;

/// `<<a, b>>`
pub fn sequence<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    format!("<<{}>>", joined(items))
}

/// `{a, b}`
pub fn set<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    format!("{{{}}}", joined(items))
}

/// `(n1 :> a @@ n2 :> b)`: a function on things that are numbered from 1 and share a letter.
pub fn function<T: Display>(letter: char, values: impl IntoIterator<Item = T>) -> String {
    let pairs: Vec<String> =
        (1..).zip(values).map(|(number, value)| format!("{letter}{number} :> {value}")).collect();
    format!("({})", pairs.join(" @@ "))
}

fn joined<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    items.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_tlc_writes_them() {
        let values = [set([0, 1]), sequence(Vec::<u8>::new())];
        assert_eq!(function('n', values), "(n1 :> {0, 1} @@ n2 :> <<>>)");
    }
}
