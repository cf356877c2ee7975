// `phoenix report` and the verdict of `phoenix diff` as a user meets them: what they write, and
// what a browser makes of the page, on a phone and on a desk, in light and dark.
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/browser.h"
#include "tests/sim/cli/tool.h"

namespace phoenix {
namespace {

using phoenix::testing::Browser;
using phoenix::testing::has_chromium;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kScenario =
    std::string(PHOENIX_SOURCE_DIR) + "/scenarios/library/quickstart.toml";

// Three balancers, two replications, 20 s of the quickstart with its slow node.
std::string compare(const ToolFolder& tool, const std::string& name,
                    const std::string& balancers = "round_robin,p2c,random") {
  const Outcome outcome =
      tool.run("phoenix compare " + kScenario + " --vary balancer=" + balancers +
               " --set \"duration=20 s\" --replications 2 -o " + name);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return name;
}

TEST(ReportTool, WritesOnePageThatLoadsNothing) {
  const ToolFolder tool;
  compare(tool, "results");
  const Outcome outcome = tool.run("phoenix report results -o report.html");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("report.html: "));
  const std::string page = contents(tool.file("report.html"));
  EXPECT_THAT(page, HasSubstr("quickstart: which is best?"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("src=")));
  EXPECT_LT(page.size(), 3'000'000U);
}

TEST(ReportTool, RefusesAConfidenceThatSaysNothing) {
  const ToolFolder tool;
  for (const char* share : {"10%", "0.9999999"}) {
    const Outcome refused =
        tool.run(std::string("phoenix report results -o a.html --confidence ") + share);
    EXPECT_EQ(refused.code, 2) << share;
    EXPECT_THAT(refused.err, HasSubstr("allowed 50% to 99.9999%"));
  }
}

TEST(ReportTool, ReplacesPagesOnly) {
  const ToolFolder tool;
  compare(tool, "results", "p2c,random");
  EXPECT_EQ(
      tool.run("phoenix merge results -o all.h5 && ln -s all.h5 link.html && mkfifo pipe").code, 0);
  for (const char* line :
       {"phoenix report all.h5 -o all.h5", "phoenix report all.h5 -o link.html",
        "phoenix report results -o results/plan.json", "phoenix report results -o all.h5"}) {
    const Outcome refused = tool.run(line);
    EXPECT_EQ(refused.code, 2) << line;
    EXPECT_THAT(refused.err, HasSubstr("which is no page")) << line;
  }
  EXPECT_EQ(tool.run("phoenix report all.h5 -o a.html && phoenix report all.h5 -o a.html").code, 0);
  const Outcome piped = tool.run("phoenix report all.h5 -o pipe & cat pipe; wait; test -p pipe");
  EXPECT_EQ(piped.code, 0) << piped.err;
  EXPECT_THAT(piped.out, HasSubstr("<!DOCTYPE html>"));
}

TEST(ReportTool, TakesWhatMergeMakesAndSaysTheSame) {
  const ToolFolder tool;
  compare(tool, "results", "p2c,random");
  EXPECT_EQ(tool.run("phoenix merge results -o all.h5").code, 0);
  EXPECT_EQ(tool.run("phoenix report results -o a.html && phoenix report all.h5 -o b.html").code,
            0);
  const std::string a = contents(tool.file("a.html"));
  const std::string b = contents(tool.file("b.html"));
  EXPECT_EQ(std::regex_replace(b, std::regex("all\\.h5"), "results"), a);
}

TEST(ReportTool, TakesTheRecordOfASingleRun) {
  const ToolFolder tool;
  EXPECT_EQ(tool.run("phoenix run " + kScenario + " --set \"duration=20 s\" -o run.h5").code, 0);
  EXPECT_EQ(tool.run("phoenix report run.h5 -o run.html").code, 0);
  const std::string page = contents(tool.file("run.html"));
  EXPECT_THAT(page, HasSubstr("quickstart: a run"));
  EXPECT_THAT(page, HasSubstr("CPU of the nodes"));
}

TEST(ReportTool, RefusesWhatItCannotRead) {
  const ToolFolder tool;
  EXPECT_EQ(tool.run("phoenix report nothing -o a.html").code, 2);
  EXPECT_EQ(tool.run("echo hello >text; phoenix report text -o a.html").code, 2);
  EXPECT_EQ(tool.run("mkdir empty; phoenix report empty -o a.html").code, 2);
  const Outcome without = tool.run("phoenix report nothing");
  EXPECT_EQ(without.code, 2);
  EXPECT_THAT(without.err, HasSubstr("-o PAGE.html"));
  EXPECT_EQ(tool.run("phoenix report nothing -o a.html --margin 0").code, 2);
  EXPECT_FALSE(exists(tool.file("a.html")));
}

TEST(DiffTool, JudgesTwoComparisons) {
  const ToolFolder tool;
  compare(tool, "a", "p2c,random");
  compare(tool, "b", "p2c,random");
  const Outcome text = tool.run("phoenix diff a b --margin 10%");
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("Equivalent within 10 % of A"));
  EXPECT_THAT(text.out, HasSubstr("same winner"));
  const auto json = nlohmann::json::parse(tool.run("phoenix diff a b --json").out);
  EXPECT_EQ(json["fidelity"]["verdict"], "equivalent") << "the same runs";
  EXPECT_EQ(tool.run("phoenix diff a b --tolerance p99=1%").code, 2);
}

TEST(DiffTool, AsksForMoreThanOneRunBeforeItJudges) {
  const ToolFolder tool;
  EXPECT_EQ(tool.run("phoenix run " + kScenario + " --set \"duration=20 s\" -o a.h5").code, 0);
  const Outcome text = tool.run("phoenix diff a.h5 a.h5 --margin 10%");
  EXPECT_EQ(text.code, 1) << "equivalence was asked for and is not shown";
  EXPECT_THAT(text.out, HasSubstr("Undecided: one run each"));
}

// Measures the page in a frame of a given width and leaves the findings in the document.
constexpr const char* kProbe = R"html(<!DOCTYPE html>
<iframe id="frame" src="report.html" style="width:WIDTHpx;height:800px;border:0"></iframe>
<pre id="findings"></pre>
<script>
document.getElementById('frame').onload = (event) => {
  const page = event.target.contentDocument;
  const style = event.target.contentWindow.getComputedStyle(page.documentElement);
  const light = (name) => {
    const hex = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
        .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  };
  const contrast = (a, b) => {
    const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const flaws = [];
  for (const ground of ['--card', '--ground']) {
    for (const ink of ['--ink', '--faint', '--good', '--bad', '--warn', '--s0']) {
      if (!(contrast(ink, ground) >= 4.5)) flaws.push(`contrast of ${ink} on ${ground}`);
    }
    for (let i = 0; i < 8; ++i) {
      if (!(contrast(`--s${i}`, ground) >= 3)) flaws.push(`contrast of --s${i} on ${ground}`);
    }
  }
  const wide = page.documentElement.scrollWidth - page.documentElement.clientWidth;
  if (wide > 0) flaws.push(`${wide} px wider than the window`);
  const charts = page.querySelectorAll('svg[role=img]');
  if (charts.length < 10) flaws.push(`${charts.length} charts`);
  for (const chart of charts) {
    const title = chart.querySelector(':scope > title');
    if (!title || !title.textContent.trim()) flaws.push('a chart without a name');
    if (chart.getBoundingClientRect().height < 40) flaws.push('a chart without height');
  }
  for (const region of page.querySelectorAll('.scroll')) {
    if (region.tabIndex !== 0 || !region.getAttribute('aria-label')) flaws.push('a dumb region');
  }
  document.getElementById('findings').textContent =
      `scheme ${event.target.contentWindow.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'}; ` +
      `flaws: ${flaws.join(', ')}.`;
};
</script>
)html";

class ReportPageInABrowser : public ::testing::TestWithParam<std::tuple<int, const char*>> {};

TEST_P(ReportPageInABrowser, IsWithinTheWindowAndReadable) {
  if (!has_chromium()) GTEST_SKIP() << "chromium is not installed";
  const auto [width, scheme] = GetParam();
  const ToolFolder tool;
  compare(tool, "results");
  ASSERT_EQ(tool.run("phoenix report results -o report.html").code, 0);
  write_file(tool.file("probe.html"),
             std::regex_replace(kProbe, std::regex("WIDTH"), std::to_string(width)));
  Browser browser("file://" + tool.file("probe.html"), tool.file("dom.html"),
                  {"--allow-file-access-from-files", "--virtual-time-budget=10000", "--dump-dom",
                   "--enable-logging=stderr", "--window-size=1400,900",
                   std::string("--blink-settings=preferredColorScheme=") +
                       (std::string(scheme) == "dark" ? "0" : "1")});
  browser.await_end();
  const std::string dom = contents(tool.file("dom.html"));
  EXPECT_THAT(dom, HasSubstr("scheme " + std::string(scheme) + "; flaws: ."));
  EXPECT_THAT(contents(tool.file("dom.html.err")), Not(HasSubstr("CONSOLE")));
}

INSTANTIATE_TEST_SUITE_P(Screens, ReportPageInABrowser,
                         ::testing::Combine(::testing::Values(390, 1280),
                                            ::testing::Values("light", "dark")));

}  // namespace
}  // namespace phoenix
