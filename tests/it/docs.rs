//! What the pages promise and no compiler checks: links lead somewhere, every page with Rust code is compiled, every
//! dependency has its line, every environment variable is in the README or in the page that it points to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown page of the project, by its path from the root.
fn pages() -> BTreeSet<String> {
    let mut pages = BTreeSet::new();
    let mut folders =
        vec![PathBuf::new(), "docs".into(), "docs/adr".into(), "docs/procedures".into(), "tests/live".into()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.insert(path.display().to_string());
            }
        }
    }
    pages
}

/// The targets of `[text](target)` outside fenced blocks.
fn links(page: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if !fenced {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            found.extend(targets.map(str::to_owned));
        }
    }
    found
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut seen = 0;
    for page in pages() {
        let folder = Path::new(&page).parent().unwrap().to_owned();
        for link in
            links(&read(&page)).into_iter().filter(|link| !link.contains("://") && !link.starts_with('#'))
        {
            let target = link.split('#').next().unwrap_or_default();
            assert!(root().join(&folder).join(target).exists(), "{page}: nothing at {link}");
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} links were found");
}

#[test]
fn every_page_with_rust_code_is_compiled() {
    let facade = read("src/lib.rs");
    for page in pages().into_iter().filter(|page| read(page).contains("```rust")) {
        assert!(
            facade.contains(&format!("include_str!(\"../{page}\")")),
            "src/lib.rs does not compile {page}"
        );
    }
}

/// The names of the direct dependencies in one of the sections of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = matches!(line, "[dependencies]" | "[dev-dependencies]");
        } else if inside && line.starts_with(|c: char| c.is_ascii_lowercase()) {
            names.extend(line.split(['.', ' ', '=']).next().map(str::to_owned));
        }
    }
    names
}

#[test]
fn every_dependency_has_its_line() {
    let page = read("docs/dependencies.md");
    let mut named = BTreeSet::new();
    for package in [
        "",
        "camunda-backup-core/",
        "camunda-backup-es/",
        "camunda-backup-zeebe/",
        "camunda-backup-procedures/",
    ] {
        named.extend(dependencies(&read(&format!("{package}Cargo.toml"))));
    }
    let ours = |name: &String| name.starts_with("camunda-backup");
    for name in named.iter().filter(|name| !ours(name)) {
        assert!(page.contains(&format!("| `{name}` |")), "docs/dependencies.md has no line for {name}");
    }
    for line in page.lines().filter_map(|line| line.strip_prefix("| `")) {
        let name = line.split('`').next().unwrap_or_default();
        assert!(named.contains(name), "docs/dependencies.md has a line for {name}, which nothing depends on");
    }
}

#[test]
fn the_readme_names_every_variable_and_only_those() {
    let documented = read("camunda-backup-procedures/src/connection/config.rs");
    let variables = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        words.filter(|word| word.starts_with("CAMUNDA_") && word.len() > 8).map(str::to_owned).collect()
    };
    let config: BTreeSet<String> = variables(documented.split("#[cfg(test)]").next().unwrap_or_default());
    assert_eq!(variables(&read("README.md")), config);
}

#[test]
fn examples_are_short_and_say_what_they_show() {
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{}", path.display());
        assert!(text.lines().count() <= 90, "{}", path.display());
    }
}
