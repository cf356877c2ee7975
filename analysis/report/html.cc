#include "analysis/report/html.h"

#include <cstdint>

#include <fmt/format.h>

#include "analysis/human_text.h"

namespace phoenix::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// Bytes of the character that text begins with; 0 where that is none.
std::size_t character_bytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const std::size_t bytes = first >= 0xC2 && first < 0xE0   ? 2
                            : first >= 0xE0 && first < 0xF0 ? 3
                            : first >= 0xF0 && first < 0xF5 ? 4
                                                            : 0;
  if (bytes == 0 || text.size() < bytes) return 0;
  std::uint32_t code = first & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if (!is_continuation(text[i])) return 0;
    code = code << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  const std::uint32_t least = bytes == 2 ? 0x80 : bytes == 3 ? 0x800 : 0x10000;
  const bool is_character = code >= least && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) &&
                            (code & 0xFFFEU) != 0xFFFEU && !(code >= 0x80 && code < 0xA0);
  return is_character ? bytes : 0;
}

void append_escaped(std::string& html, char c) {
  switch (c) {
    case '&':
      html += "&amp;";
      break;
    case '<':
      html += "&lt;";
      break;
    case '>':
      html += "&gt;";
      break;
    case '"':
      html += "&quot;";
      break;
    case '\'':
      html += "&#39;";
      break;
    default:
      if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
        html += kReplacement;
      } else if (c == 0x7F) {
        html += kReplacement;
      } else {
        html += c;
      }
  }
}

}  // namespace

std::string escape(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    if (bytes == 1) {
      append_escaped(html, text[0]);
    } else {
      html += bytes == 0 ? kReplacement : text.substr(0, bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return html;
}

std::string cut(std::string_view text, std::size_t characters) {
  std::size_t seen = 0;
  std::size_t last = 0;  // where the last character that may stay begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_continuation(text[i])) continue;
    if (++seen == characters) last = i;
    if (seen > characters) return std::string(text.substr(0, last)) + "…";
  }
  return std::string(text);
}

const char* class_of(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kGood:
      return "good";
    case Tone::kBad:
      return "bad";
    case Tone::kFaint:
      return "faint";
  }
  return "";
}

DataTable::DataTable(std::string caption, std::string alignment, std::vector<std::string> headers)
    : caption_(std::move(caption)),
      alignment_(std::move(alignment)),
      headers_(std::move(headers)) {}

void DataTable::add(std::vector<Cell> cells) {
  ++total_;
  if (rows_.size() < kRowsMax) rows_.push_back(std::move(cells));
}

std::string DataTable::html() const {
  std::string text = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\">\n<table>"
      "<caption>{0}</caption>\n<thead><tr>",
      escape(caption_));
  const auto right = [this](std::size_t i) { return alignment_[i] == 'r' ? " r" : ""; };
  for (std::size_t i = 0; i < headers_.size(); ++i) {
    text += fmt::format("<th scope=\"col\" class=\"h{}\">{}</th>", right(i), escape(headers_[i]));
  }
  text += "</tr></thead>\n<tbody>\n";
  for (const std::vector<Cell>& row : rows_) {
    text += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string content = escape(cut(row[i].text, kCellCharacters));
      text += i == 0 ? fmt::format("<th scope=\"row\" class=\"{}{}\">{}</th>",
                                   class_of(row[i].tone), right(i), content)
                     : fmt::format("<td class=\"{}{}\">{}</td>", class_of(row[i].tone), right(i),
                                   content);
    }
    text += "</tr>\n";
  }
  text += "</tbody></table>\n</div>\n";
  if (total_ > rows_.size()) {
    text +=
        paragraph_html(fmt::format("The first {} rows; {} more are not shown.",
                                   human_count(rows_.size()), human_count(total_ - rows_.size())),
                       "note");
  }
  return text;
}

std::string DataTable::details_html() const {
  return fmt::format("<details><summary>Data: {}</summary>\n{}</details>\n", escape(caption_),
                     html());
}

std::string paragraph_html(std::string_view text, const char* css_class) {
  if (*css_class == '\0') return fmt::format("<p>{}</p>\n", escape(text));
  return fmt::format("<p class=\"{}\">{}</p>\n", css_class, escape(text));
}

std::string section_html(const char* id, std::string_view heading, const std::string& markup) {
  return fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-h\">\n<h2 id=\"{0}-h\">{1}</h2>\n{2}</section>\n",
      id, escape(heading), markup);
}

std::string figure_html(std::string_view heading, const std::string& chart,
                        const std::string& legend, std::string_view note, const DataTable& data) {
  return fmt::format("<figure>\n<figcaption>{}</figcaption>\n{}{}{}{}</figure>\n", escape(heading),
                     legend, chart, note.empty() ? "" : paragraph_html(note, "note"),
                     data.is_empty() ? "" : data.details_html());
}

}  // namespace phoenix::report
