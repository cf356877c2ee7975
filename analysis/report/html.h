// Text into HTML: the one place that escapes, and the table that stands beside every chart.
//
// Names come from scenario files and records and may hold anything. Functions named *_html take
// plain text and give markup; whatever else becomes part of a page goes through escape().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace phoenix::report {

// For text and for attributes in double quotes. Control characters and what is not UTF-8 become
// U+FFFD, so that the page is well-formed whatever is in a file.
std::string escape(std::string_view text);

// At most so many characters, "…" in place of the rest. Not escaped.
std::string cut(std::string_view text, std::size_t characters);

enum class Tone { kPlain, kGood, kBad, kFaint };
const char* class_of(Tone tone);

struct Cell {
  Cell(std::string cell_text, Tone cell_tone = Tone::kPlain)  // NOLINT: implicit
      : text(std::move(cell_text)), tone(cell_tone) {}
  Cell(const char* cell_text) : text(cell_text) {}  // NOLINT: implicit
  std::string text;
  Tone tone = Tone::kPlain;
};

// Keeps the first kRowsMax rows and counts the others, which a line below tells.
class DataTable {
 public:
  static constexpr std::size_t kRowsMax = 100;
  static constexpr std::size_t kCellCharacters = 400;

  // `alignment` has an 'l' or 'r' for each column. The first column names the row.
  DataTable(std::string caption, std::string alignment, std::vector<std::string> headers);

  void add(std::vector<Cell> cells);
  // Rows that the maker of the table knows of and did not even add.
  void add_uncounted(std::size_t rows) { total_ += rows; }

  bool is_empty() const { return rows_.empty(); }
  std::size_t total() const { return total_; }

  // Within a region that scrolls sideways, by keyboard too.
  std::string html() const;
  // Closed until somebody asks for it.
  std::string details_html() const;

 private:
  std::string caption_, alignment_;
  std::vector<std::string> headers_;
  std::vector<std::vector<Cell>> rows_;
  std::size_t total_ = 0;
};

std::string paragraph_html(std::string_view text, const char* css_class = "");
std::string section_html(const char* id, std::string_view heading, const std::string& markup);
// A chart with its name, what is below it, and its data.
std::string figure_html(std::string_view heading, const std::string& chart,
                        const std::string& legend, std::string_view note, const DataTable& data);

}  // namespace phoenix::report
