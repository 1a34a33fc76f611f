//! Recognises pages that are made for a browser: a login form, a proxy's error page, another application's front end.

use http::header;

use crate::transport::Response;

/// No page has its title further down.
const BEGINNING: usize = 4096;

/// Whether an answer is an HTML page.
pub(super) fn looks_like_html(response: &Response) -> bool {
    let typed = response
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_ascii_lowercase)
        .is_some_and(|value| value.starts_with("text/html") || value.starts_with("application/xhtml"));
    let start: Vec<u8> = response.body.iter().copied().filter(|b| !b.is_ascii_whitespace()).take(9).collect();
    let start = start.to_ascii_lowercase();
    typed || start.starts_with(b"<!doctype") || start.starts_with(b"<html")
}

/// What a page is, by its title or its first heading.
pub(super) fn named(response: &Response) -> String {
    let page = beginning(response);
    let title = ["title", "h1"].into_iter().find_map(|tag| element(&page, tag));
    title.map_or_else(|| "an HTML page".to_owned(), |title| format!("an HTML page titled {title:?}"))
}

/// The beginning of a body as text.
pub(super) fn beginning(response: &Response) -> String {
    String::from_utf8_lossy(&response.body[..response.body.len().min(BEGINNING)]).into_owned()
}

/// The text of the first element with this name, in HTML or XML, whatever its case and attributes.
pub(super) fn element(text: &str, name: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let opening = lower.match_indices(&format!("<{name}")).find_map(|(at, matched)| {
        let rest = &lower[at + matched.len()..];
        let is_whole_name = rest.starts_with(|next: char| next == '>' || next.is_ascii_whitespace());
        is_whole_name.then(|| rest.find('>').map(|end| at + matched.len() + end + 1)).flatten()
    })?;
    let closing = opening + lower[opening..].find(&format!("</{name}"))?;
    let inner = text[opening..closing].trim();
    (!inner.is_empty() && !inner.starts_with('<')).then(|| inner.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &'static str) -> Response {
        Response::new(http::StatusCode::OK, body.as_bytes())
    }

    #[test]
    fn a_page_is_named_by_its_title_or_heading() {
        for (body, name) in [
            ("\n<!DOCTYPE html><title> Sign in </title>", "an HTML page titled \"Sign in\""),
            (
                "<HTML><HEAD><TITLE>ERROR: denied</TITLE></HEAD></HTML>",
                "an HTML page titled \"ERROR: denied\"",
            ),
            (
                "<html><head><title data-x=\"1\">403 Forbidden</title>",
                "an HTML page titled \"403 Forbidden\"",
            ),
            ("<html><title></title><body><h1>Not here</h1>", "an HTML page titled \"Not here\""),
            ("<html><header>x</header>", "an HTML page"),
            ("<html><h1>unclosed", "an HTML page"),
        ] {
            assert!(looks_like_html(&page(body)), "{body}");
            assert_eq!(named(&page(body)), name, "{body}");
        }
    }

    #[test]
    fn the_content_type_alone_makes_a_page() {
        for (content_type, is_page) in
            [("text/html;charset=utf-8", true), ("application/xhtml+xml", true), ("application/json", false)]
        {
            let mut response = page("{}");
            response.headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
            assert_eq!(looks_like_html(&response), is_page, "{content_type}");
        }
        assert!(!looks_like_html(&page("<?xml version=\"1.0\"?><Error/>")));
    }
}
