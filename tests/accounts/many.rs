//! Ten thousand accounts, killed in the middle, given twice.

use std::fmt::Write;

use super::support::Place;

#[test]
fn killed_in_the_middle_and_given_twice_nothing_is_doubled_and_nobody_is_half() {
    // The whole ten thousand: `ACCOUNTS=10000 cargo test --test tests accounts::many`.
    #[expect(clippy::disallowed_methods, reason = "the size of a test is chosen by whoever runs it")]
    let people: usize = std::env::var("ACCOUNTS").ok().and_then(|n| n.parse().ok()).unwrap_or(600);
    let place = Place::new("main", &[]);
    let mut table = "userID,email,password\n".to_owned();
    for n in 0..people {
        writeln!(table, "u{n},u{n}@e.example,pw{n}").unwrap();
    }
    place.table(&table);
    let mut importer = place.start();
    while place.accounts().len() < people / 3 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    importer.kill().unwrap();
    importer.wait().unwrap();
    assert!(place.accounts().len() < people, "it was killed in the middle");
    for _ in 0..2 {
        let (exit, said) = place.run(&["--codes-are-set-up"]);
        assert_eq!(exit, Some(0), "{said}");
    }
    let accounts = place.accounts();
    assert_eq!(accounts.len(), people);
    for account in &accounts {
        assert_eq!(account["ways"].as_array().unwrap().len(), 2, "{account}");
        assert!(account["broken"].as_array().unwrap().is_empty() && account["password"] == true, "{account}");
    }
}

/// Calls whose answers are lost, and a server that fails now and then.
#[test]
fn lost_answers_leave_nobody_half() {
    let place = Place::new(
        "3.8.3",
        &[
            "--fault",
            "lose-answer:path=/user/import/json,every=3",
            "--fault",
            "close-before-body:path=/account/login,every=17",
        ],
    );
    let mut table = "userID,email\n".to_owned();
    for n in 0..40 {
        writeln!(table, "u{n},u{n}@e.example").unwrap();
    }
    place.table(&table);
    let (exit, said) = place.run(&["--codes-are-set-up"]);
    assert_eq!(exit, Some(0), "{said}");
    let accounts = place.accounts();
    assert_eq!(accounts.len(), 40, "{said}");
    assert!(accounts.iter().all(|account| account["broken"].as_array().unwrap().is_empty()));
}
