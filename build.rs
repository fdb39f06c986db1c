//! Puts the console into the binary: whatever `tests/setup/console.sh build` left in `console/dist/www`, each file beside its compressed
//! forms. Where there is nothing, the binary has no console, and says so at `/`.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// What compressed forms end with.
const CODED: [&str; 2] = ["gz", "br"];

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    println!("cargo:rerun-if-changed=build.rs");
    // The folder is always there, so that a build without the console is not done again each time.
    println!("cargo:rerun-if-changed=console/dist");
    let www = here.join("console/dist/www");
    let mut files = Vec::new();
    if www.is_dir() {
        collect(&www, &mut files)?;
        files.sort();
    }
    let mut table = String::from("pub(crate) const FILES: &[engine::http::console::File] = &[\n");
    for file in &files {
        let path = file.strip_prefix(&www)?.to_str().ok_or("a file of the console has a strange name")?;
        let mut hasher = DefaultHasher::new();
        fs::read(file)?.hash(&mut hasher);
        writeln!(
            table,
            "engine::http::console::File {{ path: \"/{path}\", tag: \"{:016x}\", plain: include_bytes!({file:?}), gzip: {}, brotli: {} }},",
            hasher.finish(),
            coded(file, "gz"),
            coded(file, "br"),
        )?;
    }
    table.push_str("];\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("console_files.rs"), table)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_coded = path.extension().is_some_and(|end| CODED.iter().any(|coded| end == *coded));
        if path.is_dir() {
            collect(&path, files)?;
        } else if !is_coded {
            files.push(path);
        }
    }
    Ok(())
}

fn coded(file: &Path, end: &str) -> String {
    let coded = PathBuf::from(format!("{}.{end}", file.display()));
    if coded.is_file() { format!("Some(include_bytes!({coded:?}))") } else { "None".to_owned() }
}
