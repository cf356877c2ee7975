#include "analysis/text_table.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace phoenix {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 8;  // of columns that give way

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

std::string_view escape_code(TextStyle style) {
  switch (style) {
    case TextStyle::kPlain:
      return "";
    case TextStyle::kTitle:
      return "\x1b[1m";
    case TextStyle::kDim:
      return "\x1b[2m";
    case TextStyle::kGood:
      return "\x1b[32m";
    case TextStyle::kFair:
      return "\x1b[33m";
    case TextStyle::kBad:
      return "\x1b[31m";
  }
  return "";
}

}  // namespace

std::string paint(std::string_view text, TextStyle style, bool colour) {
  if (!colour || style == TextStyle::kPlain || text.empty()) return std::string(text);
  return std::string(escape_code(style)) + std::string(text) + "\x1b[0m";
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (width_of(text) <= columns) return std::string(text);
  const std::size_t kept = columns > 2 ? columns - 2 : 0;
  std::size_t bytes = 0;
  std::size_t seen = 0;
  while (bytes < text.size() && !(starts_character(text[bytes]) && seen == kept)) {
    if (starts_character(text[bytes])) ++seen;
    ++bytes;
  }
  return std::string(text.substr(0, bytes)) + std::string("..").substr(0, columns);
}

TextTable::TextTable(std::string_view alignment, const std::vector<std::string>& headers)
    : alignment_(alignment) {
  std::vector<TextCell> cells;
  for (const std::string& header : headers) {
    cells.emplace_back(header, cells.empty() ? TextStyle::kTitle : TextStyle::kDim);
  }
  add(std::move(cells));
}

void TextTable::add(std::vector<TextCell> cells) {
  assert(cells.size() <= alignment_.size());
  cells.resize(alignment_.size(), TextCell(""));
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> TextTable::fitting_widths() const {
  std::vector<std::size_t> widths(alignment_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(row[i].text));
    }
  }
  std::size_t total = kGap * (widths.size() - 1);
  for (const std::size_t width : widths) total += width;
  std::size_t excess = total - std::min(total, kTextColumns);
  for (std::size_t i = widths.size(); i-- > 0;) {
    if (alignment_[i] != 'l') continue;
    const std::size_t given = std::min(excess, widths[i] - std::min(widths[i], kNarrowest));
    widths[i] -= given;
    excess -= given;
  }
  return widths;
}

std::string TextTable::print(bool colour) const {
  const std::vector<std::size_t> widths = fitting_widths();
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    std::size_t owed = 0;  // spaces, written only when something follows
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string text = shortened(row[i].text, widths[i]);
      const std::size_t padding = widths[i] - width_of(text);
      if (alignment_[i] == 'r') owed += padding;
      if (!text.empty()) {
        line += std::string(owed, ' ') + paint(text, row[i].style, colour);
        owed = 0;
      } else if (alignment_[i] != 'r') {
        owed += padding;
      }
      if (!text.empty() && alignment_[i] != 'r') owed += padding;
      owed += kGap;
    }
    out += line + "\n";
  }
  return out;
}

}  // namespace phoenix
