use super::*;
use std::io::Write;

fn wanted(source: &Path, path: &str) -> Wanted {
    let path = path.to_owned();
    let name = path.rsplit('/').next().unwrap().to_owned();
    Wanted { source: source.display().to_string(), key: path.clone(), name, path }
}

#[test]
fn beside_the_export_and_above_it_up_to_what_was_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("export");
    for folder in ["export/chat/photos", "export/all", "elsewhere"] {
        fs_err::create_dir_all(dir.path().join(folder)).unwrap();
    }
    for file in [
        "export/chat/result.json",
        "export/chat/photos/a.jpg",
        "export/all/b.jpg",
        "elsewhere/c.jpg",
        "d.jpg",
    ] {
        fs_err::write(dir.path().join(file), file).unwrap();
    }
    let source = root.join("chat/result.json");
    let places = Places::new(&[root.display().to_string()], None);
    assert!(matches!(places.find(&wanted(&source, "photos/a.jpg")), Ok(Place::File(_))));
    assert!(matches!(
        places.find(&wanted(&source, "./photos/../photos/a.jpg")),
        Err(PlaceError::Missing) | Ok(_)
    ));
    assert!(matches!(places.find(&wanted(&source, "all/b.jpg")), Ok(Place::File(_))));
    // Above what was named, nothing is looked for, and nothing is climbed to.
    for outside in ["d.jpg", "../d.jpg", "../../d.jpg", "/etc/hostname", "c.jpg"] {
        assert!(places.find(&wanted(&source, outside)).is_err(), "{outside}");
    }
    let with_files = Places::new(&[root.display().to_string()], Some(&dir.path().join("elsewhere")));
    assert!(matches!(with_files.find(&wanted(&source, "somewhere/c.jpg")), Ok(Place::File(_))));
}

#[test]
fn what_is_read_is_no_file_of_a_message() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("export");
    fs_err::create_dir_all(root.join("all")).unwrap();
    for file in ["export/users.json", "export/all/1.json", "export/canvases.json", "export/note.txt"] {
        fs_err::write(dir.path().join(file), file).unwrap();
    }
    let source = root.join("all/1.json");
    let of = |name: &str| root.join(name).display().to_string();
    let places = Places::new(&[root.display().to_string()], None);
    let places = places.without([of("users.json").as_str(), &of("all/1.json")]);
    assert!(matches!(places.find(&wanted(&source, "users.json")), Err(PlaceError::Missing)));
    assert!(matches!(places.find(&wanted(&source, "note.txt")), Ok(Place::File(_))));
    // By its sender's name alone, only what lies among files.
    let named = |name: &str| Wanted { path: String::new(), key: "F1".to_owned(), ..wanted(&source, name) };
    for name in ["users.json", "canvases.json", "note.txt"] {
        assert!(matches!(places.find(&named(name)), Err(PlaceError::Missing)), "{name}");
        let below = wanted(&source, &format!("__uploads/F1/{name}"));
        assert!(matches!(places.find(&below), Err(PlaceError::Missing)), "{name}");
    }
    let places = Places::new(&[root.display().to_string()], Some(&root));
    assert!(places.find(&named("note.txt")).is_ok());
}

#[cfg(unix)]
#[test]
fn a_link_counts_by_where_it_leads() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("export");
    fs_err::create_dir_all(&root).unwrap();
    fs_err::write(root.join("chat.txt"), "").unwrap();
    fs_err::write(root.join("real.jpg"), "x").unwrap();
    fs_err::write(dir.path().join("secret"), "x").unwrap();
    std::os::unix::fs::symlink(root.join("real.jpg"), root.join("in.jpg")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("secret"), root.join("out.jpg")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", root.join("zero.jpg")).unwrap();
    let places = Places::new(&[root.display().to_string()], None);
    let source = root.join("chat.txt");
    assert!(places.find(&wanted(&source, "in.jpg")).is_ok());
    for (name, why) in [("out.jpg", "leads out of the export"), ("zero.jpg", "leads out of the export")] {
        assert_eq!(places.find(&wanted(&source, name)).unwrap_err().to_string(), why);
    }
    fs_err::create_dir(root.join("folder.jpg")).unwrap();
    assert!(matches!(places.find(&wanted(&source, "folder.jpg")), Err(PlaceError::NoFile)));
}

#[test]
fn inside_an_archive() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("chat.zip");
    let mut zip = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in [
        ("in/_chat.txt", b"text".as_slice()),
        ("in/a.jpg", b"picture"),
        ("../up.jpg", b"evil"),
        ("top.jpg", b"top"),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    let places = Places::new(&[path.display().to_string()], None);
    let source = path.join("in/_chat.txt");
    let mut read = String::new();
    let place = places.find(&wanted(&source, "a.jpg")).unwrap();
    places.open(&place, dir.path(), 100).unwrap().read_to_string(&mut read).unwrap();
    assert_eq!(read, "picture");
    assert!(places.find(&wanted(&source, "top.jpg")).is_ok());
    assert!(places.find(&wanted(&source, "../up.jpg")).is_err());
    // More than was asked for is not unpacked.
    let mut few = Vec::new();
    places.open(&place, dir.path(), 3).unwrap().read_to_end(&mut few).unwrap();
    assert_eq!(few.len(), 4);
    // An archive that changed: the entry is not what its sum says.
    let mut bytes = fs_err::read(&path).unwrap();
    let at = bytes.windows(7).position(|window| window == b"picture");
    if let Some(at) = at {
        bytes[at] = b'P';
        fs_err::write(&path, bytes).unwrap();
        assert!(places.open(&place, dir.path(), 100).is_err());
    }
}
