//! A station file to start from: what a board's profile knows, and the rest with its reason.

use std::path::{Path, PathBuf};

use crate::board::{
    Board, CameraDefaults, DisplayDefaults, DisplayNode, GpioLines, LineWiring, NAMES,
};

/// The text of a station file for this board. It can be read as it is; what a profile cannot know
/// (recipe, cameras, times) has to be filled in.
pub fn template(board: &Board) -> String {
    let (camera, gpio) = (&board.camera, board.gpio.as_ref());
    [
        head(board),
        capture(camera),
        trigger(gpio),
        EJECTOR.to_owned(),
        outputs(gpio),
        evidence(&board.data_folder),
        board.display.as_ref().map_or(String::new(), panel),
    ]
    .concat()
}

const EJECTOR: &str = "
# Where parts are let through, after the trigger; at the verdict without this section.
# [ejector]
# delay_ms = 450 # at least deadline_ms
";

fn head(board: &Board) -> String {
    let name = match NAMES.contains(&board.name.as_str()) {
        true => board.name.clone(),
        false => absolute(&board.name),
    };
    let (name, threads) = (quoted(&name), board.threads);
    let warn = board
        .thermal
        .as_ref()
        .map_or(String::new(), |thermal| format!(", and is warned of from {} C", thermal.warn_c));
    format!(
        "# A station on {}; README, \"At the line\", says what each key means.
name = \"line 1\"
# It judges on {threads} threads{warn}.
board = {name}
recipe = \"recipes/product/recipe.toml\" # of your product: `pairspec recipe init`
deadline_ms = 400 # a verdict after that does not count
on_failure = \"reject\" # or \"hold\"
",
        board.title
    )
}

/// A file is found wherever the station file will lie.
fn absolute(name: &str) -> String {
    std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name)).display().to_string()
}

/// One camera sees the part, a golden frame of the recipe is the reference: the least that works.
fn capture(camera: &CameraDefaults) -> String {
    let CameraDefaults { formats, width, height, rate_hz, bridge } = camera;
    let formats: Vec<String> =
        formats.iter().map(|format| quoted(format.to_string().trim_end())).collect();
    let bridge = bridge.as_ref().map_or(String::new(), |bridge| {
        format!("# Here {bridge}; such a camera needs timestamps = \"arrival\".\n")
    });
    // A camera that runs freely has a frame in it wherever the trigger falls.
    let window_ms = (1_000.0 / rate_hz).ceil() + 10.0;
    format!(
        "
[capture]
mode = \"golden\" # or \"two-cameras\" with a [capture.reference] as [capture.test], or \"twice\"
delay_ms = 0 # from the trigger to the first moment at which the part is in view
window_ms = {window_ms} # how long it is, at least a frame of a camera that is not triggered itself
frames_in_window = \"first\"

[capture.test]
# Where it is plugged in, never /dev/videoN: `pairspec board check` lists the cameras of this box.
{bridge}device = \"/dev/v4l/by-path/FILL-IN\"
width = {width}
height = {height}
rate_hz = {rate_hz}
formats = [{}]
",
        formats.join(", ")
    )
}

fn trigger(gpio: Option<&GpioLines>) -> String {
    let line = gpio.and_then(|gpio| line(gpio, "trigger"));
    let kind = match line {
        Some(input) => format!("kind = \"gpio\"\ninput = {input}\n"),
        None => "# The profile knows no line; with one: kind = \"gpio\", input = { chip, line }.\n\
                 kind = \"software\"\n"
            .to_owned(),
    };
    format!("\n[trigger]\n{kind}")
}

fn outputs(gpio: Option<&GpioLines>) -> String {
    let Some(gpio) = gpio else {
        return "
# The profile knows no lines: without a pass line `pairspec run` needs --dry-run.
# [outputs]
# wiring = \"energise-to-pass\" # a part goes through on a pulse of its own: a dead box rejects
# pulse_ms = 20
# pass = { chip = \"CHIP\", line = 0 }
"
        .to_owned();
    };
    let wiring = match gpio.wiring {
        LineWiring::EnergiseToPass => {
            "\"energise-to-pass\" # a part goes through on a pulse of its own: a dead box rejects"
        }
        LineWiring::PulseToReject => "\"pulse-to-reject\" # a dead box lets every part through",
    };
    let wired = ["pass", "reject", "fault", "busy"].into_iter().filter_map(|name| {
        let wired = line(gpio, name)?;
        Some(format!("{name} = {wired}\n"))
    });
    let wired: String = wired.collect();
    format!("\n[outputs]\nwiring = {wiring}\npulse_ms = 20\n{wired}")
}

fn line(gpio: &GpioLines, name: &str) -> Option<String> {
    let (_, line) = gpio.lines.iter().find(|(known, _)| *known == name)?;
    Some(format!("{{ chip = {}, line = {line} }}", quoted(&gpio.chip)))
}

fn evidence(data: &Path) -> String {
    let folder = quoted(&data.join("journal").display().to_string());
    format!(
        "
[journal]
folder = {folder}
conforming_one_in = 200 # images of every reject, and of one in 200 passes

# Known good and bad pairs in the recipe's folder that are judged before anything passes.
# [challenge]
# manifest = \"goldens.csv\"

[control]
socket = \"/run/pairspec/station.sock\"
"
    )
}

/// Not every box has its display: where it has, the section is there to be put in force.
fn panel(display: &DisplayDefaults) -> String {
    let path = |path: &Path| quoted(&path.display().to_string());
    let rotation = match display.rotation_deg {
        0 => String::new(),
        degrees => format!("# rotation_deg = {degrees}\n"),
    };
    let device = match &display.device {
        DisplayNode::Framebuffer(node) => format!("# framebuffer = {}\n", path(node)),
        DisplayNode::Drm(node) => format!("# drm = {}\n", path(node)),
        DisplayNode::Spi(spi) => format!(
            "# [panel.spi]\n# model = {}\n# device = {}\n# clock_hz = {}\n# width = {}\n\
             # height = {}\n# chip = {}\n# data_line = {}\n# reset_line = {}\n",
            quoted(&format!("{:?}", spi.model).to_lowercase()),
            path(&spi.device),
            spi.clock_hz,
            display.width,
            display.height,
            path(&spi.chip),
            spi.data_line,
            spi.reset_line
        ),
    };
    format!(
        "
# The operator's screen, where a display is connected.
# [panel]
# language = \"en\" # or \"ja\"
{rotation}{device}"
    )
}

/// As TOML writes a text.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::station::{StationConfig, TriggerConfig};

    const PATH: &str = "/etc/pairspec/station.toml";

    fn read(text: &str) -> StationConfig {
        StationConfig::parse(text, Path::new(PATH))
            .unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// With every section that is only offered.
    fn whole(text: &str) -> String {
        let mut is_offered = false;
        let mut all = String::new();
        for line in text.lines() {
            is_offered = match line.strip_prefix("# ") {
                Some(offered) => is_offered || offered.starts_with('['),
                None => false,
            };
            all += if is_offered { &line[2..] } else { line };
            all.push('\n');
        }
        all
    }

    #[test]
    fn every_board_has_a_station_that_can_be_read_with_and_without_what_is_offered() {
        for name in NAMES {
            let board = Board::find(name).unwrap();
            let text = template(&board);
            let config = read(&text);
            assert_eq!(config.board.as_ref(), Some(&board));
            let camera = &config.capture.cameras[0];
            assert_eq!(
                (camera.width, &camera.formats),
                (board.camera.width, &board.camera.formats)
            );
            let is_wired = board.gpio.is_some();
            assert_eq!(config.outputs.has_lines(), is_wired, "{name}");
            assert_eq!(matches!(config.trigger, TriggerConfig::Gpio(_)), is_wired, "{name}");
            let config = read(&whole(&text));
            assert_eq!(config.panel.is_some(), board.display.is_some(), "{name}");
            assert!(config.outputs.has_lines() && config.challenge.is_some(), "{name}");
        }
    }

    #[test]
    fn a_panel_at_an_spi_bus_is_offered_with_its_lines() {
        let text = include_str!("../../board/raspberry-pi-5.toml").replace(
            "framebuffer = \"/dev/fb0\"\nwidth = 480\nheight = 320",
            "width = 240\nheight = 320\nrotation_deg = 90\n[display.spi]\nmodel = 'st7789'\n\
             device = '/dev/spidev0.0'\nclock_hz = 40000000\nchip = '/dev/gpiochip0'\n\
             data_line = 25\nreset_line = 27",
        );
        let mut board = Board::parse(&text, "raspberry-pi-5").unwrap();
        let panel = template(&board);
        for line in ["# rotation_deg = 90", "# model = \"st7789\"", "# data_line = 25"] {
            assert!(panel.lines().any(|it| it == line), "{line}: {panel}");
        }
        board.name = "mine.toml".to_owned();
        let named = template(&board);
        let here = std::path::absolute("mine.toml").unwrap();
        assert!(named.contains(&format!("board = {}", quoted(&here.display().to_string()))));
    }

    #[test]
    fn the_package_ships_that_of_a_raspberry_pi_5() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("board/debian/station.toml");
        let board = Board::find("raspberry-pi-5").unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), template(&board));
    }
}
