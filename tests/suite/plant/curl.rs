use std::path::Path;
use std::process::Command;

use pairspec::plant::{Memory, RecipeChoice, Request, Verdict};

use super::{free_address, is_there, output, start, wait};

fn curl(arguments: &[&str], url: &str) -> String {
    output(Command::new("curl").args(["-s", "-S", "-m", "20"]).args(arguments).arg(url))
}

#[test]
fn curl_reads_everything_and_asks_with_the_token_alone() {
    if !is_there("curl", "curl_reads_everything_and_asks_with_the_token_alone") {
        return;
    }
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("line 1"));
    std::fs::write(folder.path().join("token"), "0123456789abcdef\n").unwrap();
    memory.finish(42, Verdict::Mismatch);
    let address = free_address();
    let section =
        format!("[http]\nlisten = '{address}'\npeers = ['127.0.0.1']\ntoken_file = 'token'");
    let plant = start(&section, folder.path(), &memory);
    wait("the server", || plant.status()[0].is_connected);
    let url = |path: &str| format!("http://{address}{path}");
    assert!(curl(&[], &url("/metrics")).contains("pairspec_last_part_number 42\n"));
    assert!(curl(&[], &url("/api/status")).contains(r#""state":"Operational.Ready""#));
    assert!(curl(&[], &url("/api/last")).contains(r#""verdict":"mismatch""#));
    assert!(curl(&[], &url("/api/recipes")).contains(r#""name":"second""#));
    let image = folder.path().join("image.png");
    read_image(&image, &url("/api/last/test.png"));
    let token = ["-H", "Authorization: Bearer 0123456789abcdef"];
    let body = ["-d", r#"{"name": "second"}"#];
    let refused = curl(&body, &url("/api/recipe"));
    assert!(refused.contains(r#""ok":false"#), "{refused}");
    let wrong = curl(
        &["-H", "Authorization: Bearer 0123456789abcdeF", body[0], body[1]],
        &url("/api/recipe"),
    );
    assert!(wrong.contains("wrong token"), "{wrong}");
    let done = curl(&[token[0], token[1], body[0], body[1]], &url("/api/recipe"));
    assert!(done.contains(r#""ok":true"#), "{done}");
    let request = Request::SelectRecipe(RecipeChoice::Name("second".to_owned()));
    assert_eq!(memory.asked(), [(request, "http 127.0.0.1".to_owned())]);
    assert_eq!(plant.status()[0].refused, 2);
}

fn read_image(path: &Path, url: &str) {
    curl(&["-o", path.to_str().unwrap()], url);
    assert_eq!(std::fs::read(path).unwrap(), [0x89, b'P', 42]);
}
