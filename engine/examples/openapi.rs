//! Prints the OpenAPI document that the code declares: `cargo xtask openapi > docs/openapi.json`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let text = engine::http::document::text(&engine::http::openapi());
    std::io::stdout().write_all(text.as_bytes())
}
