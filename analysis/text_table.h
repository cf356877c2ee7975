// A table for the terminal: columns as wide as their widest cell, two spaces between, and no line
// longer than 100 columns as long as the numbers fit: columns of text give way, the last one first,
// and end in "..". Colour is escape codes around cells and never moves anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace phoenix {

inline constexpr std::size_t kTextColumns = 100;

enum class TextStyle { kPlain, kTitle, kDim, kGood, kFair, kBad };

std::string paint(std::string_view text, TextStyle style, bool colour);

// At most `columns` characters of UTF-8, ".." at the end where something is missing.
std::string shortened(std::string_view text, std::size_t columns);

struct TextCell {
  TextCell(std::string cell_text, TextStyle cell_style = TextStyle::kPlain)  // NOLINT: implicit
      : text(std::move(cell_text)), style(cell_style) {}
  TextCell(const char* cell_text) : text(cell_text) {}  // NOLINT: implicit
  std::string text;
  TextStyle style = TextStyle::kPlain;
};

class TextTable {
 public:
  // `alignment` has an 'l', an 'r' or a 'k' for each column: at the left, at the right, or at the
  // left and never shortened. The first header is the table's title.
  TextTable(std::string_view alignment, const std::vector<std::string>& headers);

  // Missing cells at the end are empty.
  void add(std::vector<TextCell> cells);

  std::string print(bool colour) const;

 private:
  std::vector<std::size_t> fitting_widths() const;

  std::string alignment_;
  std::vector<std::vector<TextCell>> rows_;
};

}  // namespace phoenix
