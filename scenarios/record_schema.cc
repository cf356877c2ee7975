#include "scenarios/record_schema.h"

#include <type_traits>

#include "strategies/core/request.h"

namespace phoenix {
namespace {

template <class Field>
constexpr ColumnType column_type() {
  if constexpr (std::is_same_v<Field, std::int64_t>) return ColumnType::kInt64;
  if constexpr (std::is_same_v<Field, std::uint64_t>) return ColumnType::kUInt64;
  if constexpr (std::is_same_v<Field, std::int32_t>) return ColumnType::kInt32;
  if constexpr (std::is_same_v<Field, std::uint8_t>) return ColumnType::kUInt8;
  if constexpr (std::is_same_v<Field, float>) return ColumnType::kFloat32;
  if constexpr (std::is_same_v<Field, double>) return ColumnType::kFloat64;
  return ColumnType::kText;
}

template <class Row, class Field>
Column column(const char* name, Field Row::*field, const char* unit, std::string values = "") {
  static_assert(std::is_standard_layout_v<Row>);
  static const Row row;
  const auto offset =
      reinterpret_cast<const char*>(&(row.*field)) - reinterpret_cast<const char*>(&row);
  return {name,          static_cast<std::size_t>(offset),
          sizeof(Field), column_type<Field>(),
          unit,          std::move(values)};
}

std::string result_values() {
  std::string values;
  for (std::size_t i = 0; i < static_cast<std::size_t>(FailureReason::kCount); ++i) {
    values += std::to_string(i) + "=" + std::string(to_text(static_cast<FailureReason>(i))) + ",";
  }
  return values + "255=under_way";
}

hid_t number_type(ColumnType type, bool packed) {
  switch (type) {
    case ColumnType::kInt64:
      return packed ? H5T_STD_I64LE : H5T_NATIVE_INT64;
    case ColumnType::kUInt64:
      return packed ? H5T_STD_U64LE : H5T_NATIVE_UINT64;
    case ColumnType::kInt32:
      return packed ? H5T_STD_I32LE : H5T_NATIVE_INT32;
    case ColumnType::kUInt8:
      return packed ? H5T_STD_U8LE : H5T_NATIVE_UINT8;
    case ColumnType::kFloat32:
      return packed ? H5T_IEEE_F32LE : H5T_NATIVE_FLOAT;
    case ColumnType::kFloat64:
      return packed ? H5T_IEEE_F64LE : H5T_NATIVE_DOUBLE;
    case ColumnType::kText:
      break;
  }
  return H5I_INVALID_HID;
}

bool insert_column(hid_t compound, const Column& column, std::size_t offset, bool packed) {
  if (column.type != ColumnType::kText) {
    return H5Tinsert(compound, column.name, offset, number_type(column.type, packed)) >= 0;
  }
  const Hdf5Handle text = text_type(column.size);
  return text && H5Tinsert(compound, column.name, offset, text) >= 0;
}

}  // namespace

template <>
const TableSchema& schema_of<RequestRow>() {
  using R = RequestRow;
  static const TableSchema schema = {
      "requests",
      "table",
      "requests, all or a sample drawn by request number",
      "one per recorded request, in the order they ended",
      sizeof(R),
      4096,
      {column("seq", &R::seq, "1"), column("arrived", &R::arrived, "ns"),
       column("answered", &R::answered, "ns"), column("work", &R::work, "s"),
       column("request_bytes", &R::request_bytes, "B"),
       column("response_bytes", &R::response_bytes, "B"), column("key", &R::key, "id"),
       column("request_class", &R::request_class, "id"), column("gateway", &R::gateway, "id"),
       column("node", &R::node, "id"), column("attempts", &R::attempts, "1"),
       column("result", &R::result, "code", result_values())}};
  return schema;
}

template <>
const TableSchema& schema_of<NodeRow>() {
  using R = NodeRow;
  static const TableSchema schema = {
      "nodes",
      "series",
      "what each node did",
      "one per node and interval",
      sizeof(R),
      4096,
      {column("t", &R::t, "ns"), column("node", &R::node, "id"), column("queue", &R::queue, "1"),
       column("in_service", &R::in_service, "1"), column("completed", &R::completed, "1"),
       column("refused", &R::refused, "1"), column("cpu", &R::cpu, "1"),
       column("memory", &R::memory, "1"), column("network", &R::network, "1"),
       column("up", &R::up, "code", "0=down,1=up,2=draining,3=paused,4=absent")}};
  return schema;
}

template <>
const TableSchema& schema_of<WindowRow>() {
  using R = WindowRow;
  static const TableSchema schema = {
      "windows",
      "series",
      "the whole cluster over time",
      "one per interval",
      sizeof(R),
      1024,
      {column("t", &R::t, "ns"), column("offered", &R::offered, "1"),
       column("completed", &R::completed, "1"), column("failed", &R::failed, "1"),
       column("retries", &R::retries, "1"), column("in_flight", &R::in_flight, "1"),
       column("mean", &R::mean, "s"), column("p50", &R::p50, "s"), column("p95", &R::p95, "s"),
       column("p99", &R::p99, "s"), column("max", &R::max, "s"), column("cpu", &R::cpu, "1"),
       column("nodes_up", &R::nodes_up, "1")}};
  return schema;
}

template <>
const TableSchema& schema_of<DecisionRow>() {
  using R = DecisionRow;
  static const TableSchema schema = {
      "decisions",
      "table",
      "what strategies decided, why, and what became of it",
      "one per decision",
      sizeof(R),
      512,
      {column("seq", &R::seq, "1"), column("t", &R::t, "ns"), column("family", &R::family, "text"),
       column("action", &R::action, "text"), column("subject", &R::subject, "text"),
       column("value", &R::value, "1"), column("reason", &R::reason, "text"),
       column("outcome", &R::outcome, "text"), column("from", &R::from, "1"),
       column("took", &R::took, "s"), column("seen", &R::seen, "text"),
       column("note", &R::note, "text")}};
  return schema;
}

template <>
const TableSchema& schema_of<FaultRow>() {
  using R = FaultRow;
  static const TableSchema schema = {
      "faults",
      "table",
      "injected faults, phase by phase",
      "one per phase of a fault",
      sizeof(R),
      256,
      {column("seq", &R::seq, "1"), column("t_planned", &R::t_planned, "ns"),
       column("t_applied", &R::t_applied, "ns"), column("fault", &R::fault, "id"),
       column("parent", &R::parent, "id"), column("kind", &R::kind, "text"),
       column("phase", &R::phase, "text"), column("target", &R::target, "text"),
       column("incarnation", &R::incarnation, "id"), column("magnitude", &R::magnitude, "1"),
       column("means", &R::means, "text"), column("affected", &R::affected, "1"),
       column("healthy_after", &R::healthy_after, "1"), column("cause", &R::cause, "text")}};
  return schema;
}

template <>
const TableSchema& schema_of<HistogramRow>() {
  using R = HistogramRow;
  static const TableSchema schema = {
      "histograms",
      "table",
      "response times of requests answered well",
      "one per bucket that is not empty",
      sizeof(R),
      2048,
      {column("scope", &R::scope, "text"), column("name", &R::name, "text"),
       column("low", &R::low, "s"), column("high", &R::high, "s"),
       column("count", &R::count, "1")}};
  return schema;
}

template <>
const TableSchema& schema_of<SummaryRow>() {
  using R = SummaryRow;
  static const TableSchema schema = {
      "summary",
      "table",
      "what the run came to; rows of scope run differ between runs of one seed",
      "one per number or word",
      sizeof(R),
      256,
      {column("scope", &R::scope, "text"), column("name", &R::name, "text"),
       column("metric", &R::metric, "text"), column("value", &R::value, "see unit"),
       column("unit", &R::unit, "text"), column("text", &R::text, "text")}};
  return schema;
}

std::vector<const TableSchema*> all_schemas() {
  return {&schema_of<RequestRow>(),  &schema_of<NodeRow>(),  &schema_of<WindowRow>(),
          &schema_of<DecisionRow>(), &schema_of<FaultRow>(), &schema_of<HistogramRow>(),
          &schema_of<SummaryRow>()};
}

Hdf5Handle row_type(const TableSchema& schema, bool packed) {
  std::size_t bytes = 0;
  for (const Column& column : schema.columns) bytes += column.size;
  Hdf5Handle type(H5Tcreate(H5T_COMPOUND, packed ? bytes : schema.row_bytes), H5Tclose);
  std::size_t offset = 0;
  for (const Column& column : schema.columns) {
    if (!insert_column(type, column, packed ? offset : column.offset, packed)) return {};
    offset += column.size;
  }
  return type;
}

}  // namespace phoenix
