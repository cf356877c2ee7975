#include "scenarios/trace_rows.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "scenarios/trace_lines.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

using Json = nlohmann::json;

class CsvRows final : public TraceRows {
 public:
  explicit CsvRows(TraceLines lines) : lines_(std::move(lines)) {}

  // Finds the columns in the header row.
  Status read_header(const std::vector<std::string>& columns) {
    const Result<bool> read = next_fields();
    if (!read) return Error{read.error()};
    if (!*read) return Error{where() + "found no header row; allowed one with the columns' names"};
    const std::vector<std::string> names(fields_.begin(), fields_.end());
    for (const std::string& column : columns) {
      const auto found = std::find(names.begin(), names.end(), column);
      if (found == names.end()) {
        return Error{where() + "found no column \"" + column + "\"; allowed " + join_names(names) +
                     did_you_mean(column, names)};
      }
      wanted_.push_back(static_cast<std::size_t>(found - names.begin()));
    }
    width_ = names.size();
    cells_.resize(wanted_.size());
    return success();
  }

  Result<bool> next() override {
    Result<bool> read = next_fields();
    if (!read || !*read) return read;
    if (fields_.size() != width_) {
      return Error{where() + "found " + std::to_string(fields_.size()) + " fields; allowed " +
                   std::to_string(width_) + ", as in the header row"};
    }
    for (std::size_t i = 0; i < wanted_.size(); ++i) cells_[i] = fields_[wanted_[i]];
    return true;
  }

  std::span<const std::string_view> cells() const override { return cells_; }
  std::string where() const override { return lines_.where(); }

  void rewind() override {
    lines_.rewind();
    static_cast<void>(lines_.next());
  }

 private:
  Result<bool> next_fields() {
    const Result<bool> read = lines_.next();
    if (!read || !*read) return read;
    fields_.clear();
    rest_ = lines_.line();
    do {
      if (!take_field()) {
        return Error{where() +
                     "found a quoted field without end; allowed \"text\" followed by a "
                     "comma, with \"\" for a quote in it"};
      }
    } while (more_);
    return true;
  }

  // Moves the first field of what is left of the line to the fields. False where quotes are wrong.
  bool take_field() {
    const std::string_view text(rest_.data(), rest_.size());
    const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
    if (first < text.size() && text[first] == '"') return take_quoted(first + 1);
    take_to(text.find(','), trim(text.substr(0, text.find(','))));
    return true;
  }

  // The text only gets shorter, so it is unquoted in its place.
  bool take_quoted(std::size_t from) {
    char* const start = rest_.data() + from;
    char* written = start;
    for (std::size_t i = from; i < rest_.size(); ++i) {
      const bool is_quote = rest_[i] == '"';
      const bool is_pair = is_quote && i + 1 < rest_.size() && rest_[i + 1] == '"';
      if (is_quote && !is_pair) {
        const std::string_view after(rest_.data() + i + 1, rest_.size() - i - 1);
        const std::size_t comma = after.find(',');
        if (!trim(after.substr(0, comma)).empty()) return false;
        take_to(comma == std::string_view::npos ? comma : i + 1 + comma,
                {start, static_cast<std::size_t>(written - start)});
        return true;
      }
      if (is_pair) ++i;
      *written++ = rest_[i];
    }
    return false;
  }

  void take_to(std::size_t comma, std::string_view field) {
    fields_.push_back(field);
    more_ = comma != std::string_view::npos;
    if (more_) rest_ = rest_.subspan(comma + 1);
  }

  TraceLines lines_;
  std::span<char> rest_;
  bool more_ = false;
  std::size_t width_ = 0;
  std::vector<std::size_t> wanted_;
  std::vector<std::string_view> fields_;
  std::vector<std::string_view> cells_;
};

class JsonRows final : public TraceRows {
 public:
  JsonRows(TraceLines lines, std::vector<std::string> columns)
      : lines_(std::move(lines)),
        columns_(std::move(columns)),
        texts_(columns_.size()),
        cells_(columns_.size()) {}

  Result<bool> next() override {
    const Result<bool> read = lines_.next();
    if (!read || !*read) return read;
    const std::span<char> line = lines_.line();
    const Json row = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
    if (!row.is_object()) {
      return Error{where() +
                   "found no JSON object; allowed one on each line, such as {\"time\": 1}"};
    }
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Status taken = take_cell(row, i);
      if (!taken) return Error{taken.error()};
    }
    return true;
  }

  std::span<const std::string_view> cells() const override { return cells_; }
  std::string where() const override { return lines_.where(); }
  void rewind() override { lines_.rewind(); }

 private:
  static bool is_plain(const Json& value) { return value.is_primitive() && !value.is_null(); }

  // Arrays in arrays are refused: writing them out again would recurse as deep as they are.
  static bool is_cell(const Json& value) {
    return is_plain(value) ||
           (value.is_array() && std::all_of(value.begin(), value.end(), is_plain));
  }

  Status take_cell(const Json& row, std::size_t i) {
    const auto found = row.find(columns_[i]);
    if (found == row.end()) {
      std::vector<std::string> names;
      for (const auto& item : row.items()) names.push_back(item.key());
      return Error{where() + "found no \"" + columns_[i] + "\"; allowed " + join_names(names) +
                   did_you_mean(columns_[i], names)};
    }
    if (!is_cell(*found)) {
      return Error{where() + columns_[i] + ": found " + found->type_name() +
                   "; allowed a number, a text or an array of these"};
    }
    texts_[i] = found->is_string() ? found->get<std::string>()
                                   : found->dump(-1, ' ', false, Json::error_handler_t::replace);
    cells_[i] = texts_[i];
    return success();
  }

  TraceLines lines_;
  std::vector<std::string> columns_;
  std::vector<std::string> texts_;
  std::vector<std::string_view> cells_;
};

}  // namespace

Result<std::unique_ptr<TraceRows>> open_trace_rows(const std::string& file, TraceFormat format,
                                                   std::vector<std::string> columns) {
  TraceLines lines(file);
  if (!lines.is_open()) return Error{file + ": cannot be read"};
  if (format == TraceFormat::kJsonLines) {
    return std::unique_ptr<TraceRows>(
        std::make_unique<JsonRows>(std::move(lines), std::move(columns)));
  }
  auto rows = std::make_unique<CsvRows>(std::move(lines));
  const Status header = rows->read_header(columns);
  if (!header) return Error{header.error()};
  return std::unique_ptr<TraceRows>(std::move(rows));
}

}  // namespace phoenix
