//! Where a mistake could be made, and which: the slips that reviewers know.
//!
//! | slip | as |
//! |---|---|
//! | a condition is not asked, always or never met | `if`, guards, the parts of `&&` and of `||` |
//! | a comparison is off by one, or the other way | `<` is `<=`, `==` is `!=`, … |
//! | a sum is a difference | `+`, `-`, `+=`, `-=` |
//! | one of a pair of functions is the other | `min` and `max`, `any` and `all`, `first` and `last`, … |
//! | a truth is not turned round, or is | `!`, `is_empty`, `contains`, `matches!` |
//! | something is not done | a call or an assignment that stands by itself |
//! | a case is not told apart | an arm above `_` |
//! | a function says the least that it can | `false`, `None`, nothing |

use miette::IntoDiagnostic;
use proc_macro2::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, Signature, Stmt, Type, UnOp};

/// One mistake that could be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mutant {
    /// Whose rules.
    pub system: String,
    /// The file, below the workspace.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The function.
    pub function: String,
    /// What is wrong.
    pub slip: String,
    /// Which of those that are described alike in this function.
    pub nth: usize,
    /// What takes its place, as far as it differs.
    pub site: Range<usize>,
    /// What stands there instead; `@` is whether the mutant is on.
    pub pieces: Vec<Piece>,
}

/// A piece of what a copy says in the place of a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Piece {
    /// This.
    Text(String),
    /// What the source has there, with the mutants in it.
    Source(Range<usize>),
    /// What stands at the site without this mutant.
    Base,
}

impl Mutant {
    /// What identifies it in any tree that has it: no line.
    pub fn key(&self) -> String {
        format!("{}:{}: {} #{}", self.file, self.function, self.slip, self.nth)
    }
}

/// All mistakes that could be made in a file.
pub fn mutants(system: &str, file: &str, source: &str) -> miette::Result<Vec<Mutant>> {
    let parsed = syn::parse_file(source).into_diagnostic()?;
    let mut finder =
        Finder { system, file, source, functions: Vec::new(), counts: BTreeMap::new(), found: Vec::new() };
    finder.visit_file(&parsed);
    Ok(finder.found)
}

struct Finder<'s> {
    system: &'s str,
    file: &'s str,
    source: &'s str,
    functions: Vec<String>,
    counts: BTreeMap<(String, String), usize>,
    found: Vec<Mutant>,
}

/// Implementations that are for people, or that say how a type is written.
const FOR_PEOPLE: [&str; 6] = ["Debug", "Display", "Default", "JsonSchema", "Serialize", "Deserialize"];

/// Functions of which each could be taken for the other.
const PAIRS: [(&str, &str); 8] = [
    ("min", "max"),
    ("min_by_key", "max_by_key"),
    ("any", "all"),
    ("first", "last"),
    ("is_some", "is_none"),
    ("is_ok", "is_err"),
    ("is_some_and", "is_none_or"),
    ("saturating_add", "saturating_sub"),
];

/// Functions that answer a question.
const ANSWERS: [&str; 4] = ["is_empty", "contains", "contains_key", "starts_with"];

fn of(span: Span) -> Range<usize> {
    span.byte_range()
}

fn text(words: impl Into<String>) -> Piece {
    Piece::Text(words.into())
}

impl Finder<'_> {
    fn add(&mut self, site: Range<usize>, slip: String, pieces: Vec<Piece>) {
        let Some(function) = self.functions.last().cloned() else { return };
        // What a flaw switches is off.
        if self.source[site.clone()].to_lowercase().contains("flaw") {
            return;
        }
        let line = self.source[..site.start].matches('\n').count() + 1;
        let nth = self.counts.entry((function.clone(), slip.clone())).or_default();
        let (system, file, number) = (self.system.to_owned(), self.file.to_owned(), *nth);
        *nth += 1;
        self.found.push(Mutant { system, file, line, function, slip, nth: number, site, pieces });
    }

    /// What a site says, short.
    fn said(&self, site: Range<usize>) -> String {
        let words = self.source[site].split_whitespace().collect::<Vec<_>>().join(" ");
        match words.char_indices().nth(60) {
            Some((end, _)) => format!("{}…", &words[..end]),
            None => words,
        }
    }

    /// A part of a condition counts for nothing: it is taken for true, or for false.
    fn taken_for(&mut self, condition: &Expr, truth: bool) {
        let site = of(condition.span());
        let slip = format!("`{}` is taken for {truth}", self.said(site.clone()));
        let before = if truth { "(@ || (" } else { "(!@ && (" };
        self.add(site, slip, vec![text(before), Piece::Base, text("))")]);
    }

    /// The whole condition of an `if` or of an arm.
    fn condition(&mut self, condition: &Expr) {
        if !binds(condition) {
            self.taken_for(condition, true);
            self.taken_for(condition, false);
        }
    }

    /// The same with another word in the place of one.
    fn other_word(&mut self, whole: Span, word: Span, other: &str) {
        let (site, word) = (of(whole), of(word));
        let slip = format!("`{}`: `{}` is `{other}`", self.said(site.clone()), &self.source[word.clone()]);
        let instead = [Piece::Source(site.start..word.start), text(other), Piece::Source(word.end..site.end)];
        let pieces = [text("(if @ { ")].into_iter().chain(instead);
        let pieces = pieces.chain([text(" } else { "), Piece::Base, text(" })")]).collect();
        self.add(site, slip, pieces);
    }

    fn turned_round(&mut self, whole: Span) {
        let site = of(whole);
        let slip = format!("`{}` is turned round", self.said(site.clone()));
        self.add(site, slip, vec![text("(@ ^ ("), Piece::Base, text("))")]);
    }

    fn function(&mut self, name: &Signature, body: &Block, visit: impl FnOnce(&mut Self)) {
        if name.constness.is_some() {
            return;
        }
        self.functions.push(name.ident.to_string());
        let start = of(body.brace_token.span.open()).end;
        if !body.stmts.is_empty() {
            for least in least(&name.output) {
                let slip =
                    if least.is_empty() { "does nothing".to_owned() } else { format!("is always `{least}`") };
                self.add(start..start, slip, vec![text(format!(" if @ {{ return {least}; }}"))]);
            }
        }
        visit(self);
        self.functions.pop();
    }
}

/// Whether a condition binds names, or is a chain in which one does.
fn binds(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(binary) => binds(&binary.left) || binds(&binary.right),
        _ => false,
    }
}

/// The least that a function of this type can say.
fn least(output: &syn::ReturnType) -> Vec<&'static str> {
    let syn::ReturnType::Type(_, of) = output else { return vec![""] };
    let Type::Path(path) = &**of else { return Vec::new() };
    let Some(last) = path.path.segments.last() else { return Vec::new() };
    match last.ident.to_string().as_str() {
        "bool" => vec!["true", "false"],
        "Option" => vec!["None"],
        "u8" | "u16" | "u32" | "u64" | "i64" | "usize" | "Vec" | "BTreeMap" | "BTreeSet" | "Duration" => {
            vec!["Default::default()"]
        }
        _ => Vec::new(),
    }
}

fn tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        other => other.path().is_ident("test"),
    })
}

/// Whether a statement is a call or an assignment.
fn is_done(expression: &Expr) -> bool {
    match expression {
        Expr::Call(_) | Expr::MethodCall(_) | Expr::Assign(_) => true,
        Expr::Binary(binary) => assigns(&binary.op),
        Expr::Await(inner) => is_done(&inner.base),
        Expr::Try(inner) => is_done(&inner.expr),
        _ => false,
    }
}

fn assigns(operator: &BinOp) -> bool {
    matches!(
        operator,
        BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::BitOrAssign(_) | BinOp::BitAndAssign(_)
    )
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}

    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}

    fn visit_item_impl(&mut self, implementation: &'ast syn::ItemImpl) {
        let of_trait = implementation.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
        if of_trait.is_none_or(|last| FOR_PEOPLE.iter().all(|name| last.ident != name)) {
            visit::visit_item_impl(self, implementation);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !tests(&function.attrs) {
            self.function(&function.sig, &function.block, |finder| visit::visit_item_fn(finder, function));
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !tests(&function.attrs) {
            self.function(&function.sig, &function.block, |finder| {
                visit::visit_impl_item_fn(finder, function);
            });
        }
    }

    fn visit_expr_if(&mut self, branch: &'ast syn::ExprIf) {
        self.condition(&branch.cond);
        let condition = &self.source[of(branch.cond.span())];
        if condition.contains("flaw == Some") {
            if let Some((_, otherwise)) = &branch.else_branch {
                self.visit_expr(otherwise);
            }
            return;
        }
        visit::visit_expr_if(self, branch);
    }

    fn visit_expr_match(&mut self, cases: &'ast syn::ExprMatch) {
        let has_default = cases.arms.last().is_some_and(|arm| matches!(arm.pat, syn::Pat::Wild(_)));
        for (index, arm) in cases.arms.iter().enumerate() {
            match &arm.guard {
                Some((_, guard)) => self.condition(guard),
                None if has_default && index + 1 < cases.arms.len() => {
                    let end = of(arm.pat.span()).end;
                    let slip = format!("`{}` is not told apart", self.said(of(arm.pat.span())));
                    self.add(end..end, slip, vec![text(" if !@")]);
                }
                None => {}
            }
        }
        visit::visit_expr_match(self, cases);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let whole = of(binary.left.span()).start..of(binary.right.span()).end;
        let operator = binary.op.span();
        let mut other = |word: &str| {
            let op = of(operator);
            let slip = format!("`{}`: `{}` is `{word}`", self.said(whole.clone()), &self.source[op.clone()]);
            let pieces = vec![
                text("(if @ { "),
                Piece::Source(whole.start..op.start),
                text(word),
                Piece::Source(op.end..whole.end),
                text(" } else { "),
                Piece::Base,
                text(" })"),
            ];
            self.add(whole.clone(), slip, pieces);
        };
        match &binary.op {
            BinOp::Eq(_) => other("!="),
            BinOp::Ne(_) => other("=="),
            BinOp::Lt(_) => ["<=", ">"].into_iter().for_each(other),
            BinOp::Le(_) => ["<", ">"].into_iter().for_each(other),
            BinOp::Gt(_) => [">=", "<"].into_iter().for_each(other),
            BinOp::Ge(_) => [">", "<"].into_iter().for_each(other),
            BinOp::Add(_) => other("-"),
            BinOp::Sub(_) => other("+"),
            BinOp::AddAssign(_) => other("-="),
            BinOp::SubAssign(_) => other("+="),
            BinOp::And(_) | BinOp::Or(_) => {
                let is_and = matches!(binary.op, BinOp::And(_));
                for part in [&*binary.left, &*binary.right] {
                    let same = matches!(part, Expr::Binary(part) if std::mem::discriminant(&part.op) == std::mem::discriminant(&binary.op));
                    if !same && !binds(part) {
                        self.taken_for(part, is_and);
                    }
                }
            }
            _ => {}
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        if let UnOp::Not(_) = unary.op {
            let (site, inner) = (of(unary.span()), of(unary.expr.span()));
            let slip = format!("`{}` lacks its `!`", self.said(site.clone()));
            let pieces =
                vec![text("(if @ { "), Piece::Source(inner), text(" } else { "), Piece::Base, text(" })")];
            self.add(site, slip, pieces);
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        for (one, other) in PAIRS {
            let other = if name == one {
                other
            } else if name == other {
                one
            } else {
                continue;
            };
            self.other_word(call.span(), call.method.span(), other);
        }
        if ANSWERS.contains(&name.as_str()) {
            self.turned_round(call.span());
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_macro(&mut self, called: &'ast syn::ExprMacro) {
        if called.mac.path.is_ident("matches") {
            self.turned_round(called.span());
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Expr(expression, Some(_)) = statement
            && is_done(expression)
        {
            let site = of(statement.span());
            let slip = format!("`{}` is not done", self.said(site.clone()));
            self.add(site, slip, vec![text("if !@ { "), Piece::Base, text(" }")]);
        }
        visit::visit_stmt(self, statement);
    }
}
