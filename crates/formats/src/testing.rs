//! For the tests of this room: an export in, messages as text out.

use std::io::Write;
use std::path::Path;

use super::{Format, Settings, open, recognise};
use crate::export::{self, ExportError, Reader};
use crate::mapping::testing::Got;
use crate::message::SourceNo;

/// Everything that sources of that format give, read in chunks of `size` bytes.
pub(super) fn sources(
    format: Format,
    settings: &Settings,
    sources: &[String],
    size: usize,
) -> Result<Got, ExportError> {
    let export = export::Settings::default();
    let preset = open(format, &export, settings.clone()).unwrap();
    let mut reader = Reader::with(&export, preset.layout, sources, SourceNo(0))?.chunk_size(size);
    let mut got = Got::default();
    got.drain(&mut reader, &*preset.mapper)?;
    Ok(got)
}

/// Everything that files give which lie in one folder, in small chunks and in large ones: it must be the same.
pub(super) fn folder(format: Format, settings: &Settings, files: &[(&str, &str)]) -> Got {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    let path = [folder.path().to_string_lossy().into_owned()];
    let small = sources(format, settings, &path, 1).unwrap();
    let large = sources(format, settings, &path, export::CHUNK).unwrap();
    assert_eq!(small.text(), large.text(), "chunks of another size give something else");
    large
}

/// Everything that a fixture of that format gives. It is also recognised, and read from a zip if it is a folder:
/// the same.
pub(super) fn fixture(format: Format, settings: &Settings, path: &str) -> Got {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path);
    let named = [path.to_string_lossy().into_owned()];
    assert_eq!(recognise(&named).unwrap().map(|(format, _)| format), Some(format), "it is not recognised");
    let got = sources(format, settings, &named, export::CHUNK).unwrap();
    assert_eq!(sources(format, settings, &named, 1).unwrap().text(), got.text(), "chunks of another size");
    if path.is_dir() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("{}.zip", path.file_name().unwrap().to_string_lossy());
        let zip = folder.path().join(name);
        pack(&path, &zip);
        let zip = [zip.to_string_lossy().into_owned()];
        assert_eq!(
            recognise(&zip).unwrap().map(|(format, _)| format),
            Some(format),
            "not recognised in a zip"
        );
        let zipped = sources(format, settings, &zip, export::CHUNK).unwrap();
        assert_eq!(zipped.text().replace(&zip[0], &named[0]), got.text(), "from a zip it is something else");
    }
    got
}

fn pack(folder: &Path, zip: &Path) {
    let mut archive = zip::ZipWriter::new(fs_err::File::create(zip).unwrap());
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(&fs_err::read(entry.path()).unwrap()).unwrap();
        }
    }
    archive.finish().unwrap();
}
