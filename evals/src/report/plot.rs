//! The little drawing that reports need: axes, lines, dots and bars as SVG, coloured by the page's style.

use std::fmt::Write;

/// Width of a plot in its own units; the page scales it.
const WIDTH: f64 = 640.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;

/// Text that is safe between tags and in attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Control characters have no place in XML.
            letter if letter.is_control() && letter != '\n' && letter != '\t' => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

/// A plot under construction, with linear axes.
pub(crate) struct Plot {
    body: String,
    x: (f64, f64),
    y: (f64, f64),
    height: f64,
}

impl Plot {
    /// Axes from `x.0` to `x.1` and `y.0` to `y.1`, with `ticks` labels each, named below and beside.
    pub(crate) fn new(x: (f64, f64), y: (f64, f64), names: (&str, &str), percent: (bool, bool)) -> Self {
        let widened = |(low, high): (f64, f64)| if high > low { (low, high) } else { (low, low + 1.0) };
        let mut plot = Self { body: String::new(), x: widened(x), y: widened(y), height: 320.0 };
        plot.axes(names, percent);
        plot
    }

    fn axes(&mut self, (x_name, y_name): (&str, &str), (x_percent, y_percent): (bool, bool)) {
        let bottom = self.height - BOTTOM;
        for step in 0..=5 {
            let share = f64::from(step) / 5.0;
            let (x, y) = (self.x.0 + share * (self.x.1 - self.x.0), self.y.0 + share * (self.y.1 - self.y.0));
            let (left, top) = (self.across(x), self.down(y));
            self.add(&format!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{top:.1}\" y2=\"{top:.1}\"/>",
                WIDTH - RIGHT
            ));
            self.add(&format!(
                "<text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                LEFT - 8.0,
                top + 4.0,
                tick(y, y_percent, self.y.1)
            ));
            self.add(&format!(
                "<text class=\"tick\" text-anchor=\"middle\" x=\"{left:.1}\" y=\"{:.1}\">{}</text>",
                bottom + 18.0,
                tick(x, x_percent, self.x.1)
            ));
        }
        self.add(&format!(
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{bottom:.1}\" y2=\"{bottom:.1}\"/>",
            WIDTH - RIGHT
        ));
        self.add(&format!(
            "<text class=\"name\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            f64::midpoint(LEFT, WIDTH - RIGHT),
            self.height - 8.0,
            escape(x_name)
        ));
        self.add(&format!(
            "<text class=\"name\" text-anchor=\"middle\" transform=\"translate(14 {:.1}) rotate(-90)\">{}</text>",
            f64::midpoint(TOP, bottom),
            escape(y_name)
        ));
    }

    /// A line through points; `class` names its colour.
    pub(crate) fn line(&mut self, points: &[(f64, f64)], class: &str) {
        let path: Vec<String> =
            points.iter().map(|(x, y)| format!("{:.1},{:.1}", self.across(*x), self.down(*y))).collect();
        self.add(&format!("<polyline class=\"line {class}\" points=\"{}\"/>", path.join(" ")));
    }

    /// A dot with a tooltip, and a vertical interval where there is one.
    pub(crate) fn dot(&mut self, (x, y): (f64, f64), radius: f64, class: &str, title: &str) {
        self.add(&format!(
            "<circle class=\"dot {class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\"><title>{}</title></circle>",
            self.across(x),
            self.down(y),
            escape(title)
        ));
    }

    /// A label beside a point.
    pub(crate) fn label(&mut self, (x, y): (f64, f64), text: &str) {
        let (across, down) = (self.across(x), self.down(y));
        let anchor = if across > WIDTH * 0.7 { "end" } else { "start" };
        let shift = if across > WIDTH * 0.7 { -9.0 } else { 9.0 };
        self.add(&format!(
            "<text class=\"mark\" text-anchor=\"{anchor}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            across + shift,
            down - 7.0,
            escape(text)
        ));
    }

    /// The finished picture; `title` and `description` are read aloud.
    pub(crate) fn svg(&self, title: &str, description: &str) -> String {
        svg(&self.body, self.height, title, description)
    }

    fn add(&mut self, element: &str) {
        self.body.push_str(element);
    }

    fn across(&self, x: f64) -> f64 {
        LEFT + (x - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - LEFT - RIGHT)
    }

    fn down(&self, y: f64) -> f64 {
        let bottom = self.height - BOTTOM;
        bottom - (y - self.y.0) / (self.y.1 - self.y.0) * (bottom - TOP)
    }
}

/// A horizontal bar with its interval.
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) interval: Option<(f64, f64)>,
    pub(crate) class: &'static str,
}

/// Horizontal bars from 0 to 1 with their intervals.
pub(crate) fn bars(bars: &[Bar], title: &str, description: &str) -> String {
    const ROW: f64 = 24.0;
    const NAMES: f64 = 150.0;
    const VALUES: f64 = 60.0;
    let across = |value: f64| NAMES + value.clamp(0.0, 1.0) * (WIDTH - NAMES - VALUES);
    let mut body = String::new();
    for (row, bar) in (0_u32..).zip(bars) {
        let top = 6.0 + f64::from(row) * ROW;
        let middle = top + ROW / 2.0 - 3.0;
        // Writing into a string cannot fail.
        let _ = write!(
            body,
            "<text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text><rect class=\"track\" x=\"{NAMES}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/><rect class=\"bar {}\" x=\"{NAMES}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            NAMES - 8.0,
            middle + 4.0,
            escape(&bar.name),
            WIDTH - NAMES - VALUES,
            ROW - 7.0,
            bar.class,
            (across(bar.value) - NAMES).max(1.0),
            ROW - 7.0,
        );
        if let Some((low, high)) = bar.interval {
            let (low, high) = (across(low), across(high));
            let _ = write!(
                body,
                "<path class=\"whisker\" d=\"M{low:.1} {middle:.1}H{high:.1}M{low:.1} {:.1}v8M{high:.1} {:.1}v8\"/>",
                middle - 4.0,
                middle - 4.0
            );
        }
        let _ = write!(
            body,
            "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{:.3}</text>",
            WIDTH - VALUES + 8.0,
            middle + 4.0,
            bar.value
        );
    }
    let rows = u32::try_from(bars.len()).unwrap_or(0);
    svg(&body, f64::from(rows) * ROW + 10.0, title, description)
}

fn svg(body: &str, height: f64, title: &str, description: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\"><title>{}</title><desc>{}</desc>{body}</svg>",
        escape(title),
        escape(description)
    )
}

/// The next number above that five steps divide evenly for the eye: 1, 1.5, 2, 2.5, 3, 4, 5 or 7.5 with zeros.
pub(crate) fn round_up(largest: f64) -> f64 {
    let scale = 10_f64.powf(largest.max(1e-6).log10().floor());
    let steps = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0];
    steps.into_iter().map(|step| step * scale).find(|end| *end >= largest).unwrap_or(largest)
}

fn tick(value: f64, percent: bool, largest: f64) -> String {
    match (percent, largest) {
        (true, _) => format!("{:.0} %", value * 100.0),
        (false, largest) if largest >= 20.0 => format!("{value:.0}"),
        (false, largest) if largest >= 2.0 => format!("{value:.1}"),
        (false, _) => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_customers_write_cannot_leave_its_place() {
        assert_eq!(escape("<b a='1'>\"&\u{7}"), "&lt;b a=&#39;1&#39;&gt;&quot;&amp; ");
        let plot = Plot::new((0.0, 1.0), (0.0, 0.0), ("</svg><script>", "y"), (true, false));
        assert!(!plot.svg("t", "d").contains("<script>"));
    }

    #[test]
    fn axes_end_on_round_numbers() {
        for (largest, end) in [(2_839.0, 3_000.0), (0.53, 0.75), (1.0, 1.0), (0.049, 0.05)] {
            assert!((round_up(largest) - end).abs() < 1e-9, "{largest}: {}", round_up(largest));
        }
    }

    #[test]
    fn points_land_where_the_axes_say() {
        let plot = Plot::new((0.0, 10.0), (0.0, 1.0), ("x", "y"), (false, true));
        assert!((plot.across(0.0) - LEFT).abs() < 1e-9 && (plot.across(10.0) - (WIDTH - RIGHT)).abs() < 1e-9);
        assert!((plot.down(1.0) - TOP).abs() < 1e-9 && (plot.down(0.0) - (320.0 - BOTTOM)).abs() < 1e-9);
    }
}
