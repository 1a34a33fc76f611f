//! Puts every mutant of a file into the file at once, each behind a switch: `if crate::mutants::is(17) { a != b } else { a == b }`.
//! So all mutants need one build, and a test process chooses one by an environment variable.

use std::collections::BTreeSet;

use proc_macro2::Span;
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    BinOp, Block, Expr, ImplItemFn, Item, ItemFn, ReturnType, Stmt, TraitItemFn, Type, UnOp, parse_quote,
};

/// One change of the code.
#[derive(Debug, Clone)]
pub struct Mutant {
    pub number: u32,
    pub file: String,
    pub line: usize,
    pub function: String,
    /// What is changed into what, in one line: its name in the list of accepted survivors.
    pub change: String,
}

impl Mutant {
    /// A name that does not change when lines move.
    pub fn name(&self) -> String {
        format!("{} | {} | {}", self.file, self.function, self.change)
    }
}

/// Instruments one file. `refused` are mutants that do not compile, by number.
pub fn instrument(
    file: &str,
    text: &str,
    first: u32,
    refused: &BTreeSet<u32>,
) -> Result<(String, Vec<Mutant>), String> {
    let mut tree = syn::parse_file(text).map_err(|error| format!("{file}: {error}"))?;
    let mut visitor = Instrument {
        file: file.to_owned(),
        function: String::new(),
        next: first,
        refused,
        mutants: Vec::new(),
    };
    visitor.visit_file_mut(&mut tree);
    Ok((prettyplease::unparse(&tree), visitor.mutants))
}

struct Instrument<'a> {
    file: String,
    function: String,
    next: u32,
    refused: &'a BTreeSet<u32>,
    mutants: Vec<Mutant>,
}

/// Methods whose closure decides.
const DECIDING: [&str; 14] = [
    "filter",
    "any",
    "all",
    "is_some_and",
    "is_none_or",
    "is_ok_and",
    "find",
    "position",
    "take_while",
    "skip_while",
    "retain",
    "partition",
    "then",
    "filter_map",
];

impl Instrument<'_> {
    /// The number of a new mutant, unless it is known not to compile. Numbers are given to refused ones too, so that they stay.
    fn new_mutant(&mut self, span: Span, change: String) -> Option<u32> {
        let number = self.next;
        self.next += 1;
        if self.refused.contains(&number) {
            return None;
        }
        let (file, function, line) = (self.file.clone(), self.function.clone(), span.start().line);
        self.mutants.push(Mutant { number, file, line, function, change });
        Some(number)
    }

    fn replace(&mut self, expr: &mut Expr, span: Span, change: String, with: Expr) {
        if let Some(number) = self.new_mutant(span, change) {
            let original = expr.clone();
            *expr = parse_quote!((if crate::mutants::is(#number) { #with } else { #original }));
        }
    }

    fn binary(&mut self, expr: &mut Expr) {
        let Expr::Binary(binary) = &*expr else { return };
        let (left, right, span) = (binary.left.clone(), binary.right.clone(), binary.op.span());
        let shown = short(binary);
        let others: Vec<BinOp> = match binary.op {
            BinOp::Eq(_) => vec![parse_quote!(!=)],
            BinOp::Ne(_) => vec![parse_quote!(==)],
            BinOp::Lt(_) => vec![parse_quote!(<=), parse_quote!(>=)],
            BinOp::Le(_) => vec![parse_quote!(<), parse_quote!(>)],
            BinOp::Gt(_) => vec![parse_quote!(>=), parse_quote!(<=)],
            BinOp::Ge(_) => vec![parse_quote!(>), parse_quote!(<)],
            BinOp::Add(_) => vec![parse_quote!(-)],
            BinOp::Sub(_) => vec![parse_quote!(+)],
            BinOp::And(_) | BinOp::Or(_) => {
                self.replace(expr, span, format!("{shown}: only the right side"), (*right).clone());
                let mut whole = expr.clone();
                self.replace(&mut whole, span, format!("{shown}: only the left side"), (*left).clone());
                *expr = whole;
                return;
            }
            _ => return,
        };
        for other in others {
            let with: Expr = parse_quote!(#left #other #right);
            self.replace(expr, span, format!("{shown}: {}", other.to_token_stream()), with);
        }
    }

    /// A condition that is no comparison: always true, always false.
    fn condition(&mut self, condition: &mut Expr) {
        if matches!(condition, Expr::Let(_) | Expr::Binary(_) | Expr::Lit(_) | Expr::Block(_))
            || has_let(condition)
            || is_switched(condition)
        {
            return;
        }
        let (span, shown) = (condition.span(), short(&*condition));
        for value in [true, false] {
            let with: Expr = parse_quote!(#value);
            self.replace(condition, span, format!("{shown}: {value}"), with);
        }
    }

    fn body(&mut self, block: &mut Block, output: &ReturnType) {
        if block.stmts.is_empty() {
            return;
        }
        let values: Vec<Expr> = match output {
            ReturnType::Default => vec![parse_quote!(())],
            ReturnType::Type(_, returned) => values_of(returned),
        };
        for value in values.into_iter().rev() {
            let change = format!("returns {}", short(&value));
            if let Some(number) = self.new_mutant(block.span(), change) {
                let early: Stmt = parse_quote!(if crate::mutants::is(#number) { return #value; });
                block.stmts.insert(0, early);
            }
        }
    }

    fn in_function(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.function, name);
        visit(self);
        self.function = outer;
    }
}

impl VisitMut for Instrument<'_> {
    fn visit_item_mut(&mut self, item: &mut Item) {
        let attributes = match &*item {
            Item::Mod(module) => &module.attrs,
            Item::Fn(function) => &function.attrs,
            Item::Impl(block) => &block.attrs,
            Item::Const(_)
            | Item::Static(_)
            | Item::Macro(_)
            | Item::Enum(_)
            | Item::Struct(_)
            | Item::Use(_) => return,
            Item::Trait(item) => &item.attrs,
            _ => return,
        };
        if attributes.iter().any(is_for_tests) {
            return;
        }
        // How things are shown and compared decides nothing.
        if let Item::Impl(block) = &*item {
            let shown = block.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
            if shown.is_some_and(|name| name.ident == "Display" || name.ident == "Debug") {
                return;
            }
        }
        visit_mut::visit_item_mut(self, item);
    }

    fn visit_item_fn_mut(&mut self, function: &mut ItemFn) {
        if function.sig.constness.is_some() {
            return;
        }
        let name = function.sig.ident.to_string();
        self.in_function(name, |this| {
            visit_mut::visit_block_mut(this, &mut function.block);
            this.body(&mut function.block, &function.sig.output);
        });
    }

    fn visit_impl_item_fn_mut(&mut self, function: &mut ImplItemFn) {
        if function.sig.constness.is_some() || function.attrs.iter().any(is_for_tests) {
            return;
        }
        let name = function.sig.ident.to_string();
        self.in_function(name, |this| {
            visit_mut::visit_block_mut(this, &mut function.block);
            this.body(&mut function.block, &function.sig.output);
        });
    }

    fn visit_trait_item_fn_mut(&mut self, function: &mut TraitItemFn) {
        let name = function.sig.ident.to_string();
        if let Some(block) = &mut function.default {
            self.in_function(name, |this| visit_mut::visit_block_mut(this, block));
        }
    }

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        visit_mut::visit_stmt_mut(self, stmt);
        let Stmt::Expr(expr, Some(_)) = &*stmt else { return };
        let deletable = matches!(
            expr,
            Expr::MethodCall(_) | Expr::Call(_) | Expr::Try(_) | Expr::Await(_) | Expr::Assign(_)
        ) || matches!(expr, Expr::Binary(binary) if is_assignment(&binary.op));
        if !deletable {
            return;
        }
        let change = format!("{}: left out", short(expr));
        if let Some(number) = self.new_mutant(expr.span(), change) {
            let kept = stmt.clone();
            *stmt = parse_quote!(if !crate::mutants::is(#number) { #kept });
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if matches!(expr, Expr::Const(_) | Expr::Macro(_)) {
            return;
        }
        visit_mut::visit_expr_mut(self, expr);
        match expr {
            Expr::Binary(_) => self.binary(expr),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
                let (span, shown, inner) = (unary.span(), short(&*unary), (*unary.expr).clone());
                self.replace(expr, span, format!("{shown}: without !"), inner);
            }
            Expr::If(branch) if !has_let(&branch.cond) => self.condition(&mut branch.cond),
            Expr::MethodCall(call) if DECIDING.iter().any(|name| call.method == name) => {
                for argument in &mut call.args {
                    if let Expr::Closure(closure) = argument {
                        self.condition(&mut closure.body);
                    }
                }
            }
            Expr::Match(block) => {
                for arm in &mut block.arms {
                    if let Some((_, guard)) = &mut arm.guard {
                        self.condition(guard);
                    }
                }
            }
            _ => {}
        }
    }

    // Lengths, patterns, types and attributes are constants.
    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_attribute_mut(&mut self, _: &mut syn::Attribute) {}
    fn visit_expr_repeat_mut(&mut self, repeat: &mut syn::ExprRepeat) {
        self.visit_expr_mut(&mut repeat.expr);
    }
}

fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let text = attribute.to_token_stream().to_string();
    text.contains("cfg (test")
        || text.contains("cfg (any (test")
        || text.contains("cfg (not (any (test")
        || text.contains("# [test")
}

/// A comparison that has its mutants already.
fn is_switched(expr: &Expr) -> bool {
    matches!(expr, Expr::Paren(inner) if matches!(&*inner.expr, Expr::If(branch) if quote!(#branch).to_string().starts_with("if crate :: mutants")))
}

fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::MulAssign(_)
    )
}

fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        Expr::Paren(inner) => has_let(&inner.expr),
        _ => false,
    }
}

/// What a function may return without having done anything.
fn values_of(returned: &Type) -> Vec<Expr> {
    let Type::Path(path) = returned else {
        return if matches!(returned, Type::Tuple(tuple) if tuple.elems.is_empty()) {
            vec![parse_quote!(())]
        } else {
            Vec::new()
        };
    };
    let Some(last) = path.path.segments.last() else { return Vec::new() };
    let inner = match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().find_map(|argument| match argument {
                syn::GenericArgument::Type(inner) => Some(inner.clone()),
                _ => None,
            })
        }
        _ => None,
    };
    match last.ident.to_string().as_str() {
        "bool" => vec![parse_quote!(true), parse_quote!(false)],
        "Option" => vec![parse_quote!(None)],
        "Result" => {
            let inner = inner.map(|inner| values_of(&inner)).unwrap_or_default();
            inner.into_iter().map(|value| parse_quote!(Ok(#value))).collect()
        }
        "Vec" | "BTreeSet" | "BTreeMap" | "u32" | "u64" | "usize" | "i64" | "Duration" | "Replicas"
        | "Value" => {
            vec![parse_quote!(Default::default())]
        }
        _ => Vec::new(),
    }
}

/// One line of the code, without the switches that are in it already.
fn short(tokens: &impl ToTokens) -> String {
    let mut text = without_switches(&quote!(#tokens).to_string());
    for (long, short) in [
        (" . ", "."),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
        ("& ", "&"),
        (" :: ", "::"),
        ("! ", "!"),
        (" ?", "?"),
        (" ;", ";"),
    ] {
        text = text.replace(long, short);
    }
    if text.chars().count() > 90 { text.chars().take(90).collect::<String>() + "…" } else { text }
}

/// `(if crate :: mutants :: is (3u32) { A } else { B })` → `B`.
fn without_switches(text: &str) -> String {
    const HEAD: &str = "(if crate :: mutants :: is (";
    let mut text = text.to_owned();
    while let Some(at) = text.find(HEAD) {
        let Some(first) = text[at..].find('{').map(|open| at + open) else { break };
        let Some(first_end) = closing(&text, first) else { break };
        let Some(second) = text[first_end..].find('{').map(|open| first_end + open) else { break };
        let Some(second_end) = closing(&text, second) else { break };
        let kept = text[second + 1..second_end].trim().to_owned();
        let end = text[second_end..].find(')').map_or(second_end + 1, |close| second_end + close + 1);
        text.replace_range(at..end, &kept);
    }
    text
}

fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, c) in text[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(open + at);
        }
    }
    None
}
