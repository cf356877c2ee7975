#include "scenarios/hdf5_handle.h"

#include <algorithm>

namespace phoenix {
namespace {

// HDF5's file driver wraps the operating system's words as: ... error message = 'No space left on
// device' ...
herr_t find_reason(unsigned, const H5E_error2_t* error, void* out) {
  auto& reason = *static_cast<std::string*>(out);
  const std::string_view text = error->desc == nullptr ? "" : error->desc;
  constexpr std::string_view kMark = "error message = '";
  const std::size_t mark = text.find(kMark);
  if (mark != std::string_view::npos) {
    const std::size_t begin = mark + kMark.size();
    reason = text.substr(begin, text.find('\'', begin) - begin);
    return 1;
  }
  if (reason.empty()) reason = text;
  return 0;
}

std::string& last_reason() {
  static std::string reason;
  return reason;
}

// Called by HDF5 while a failing call returns; the next call would wipe its error stack.
herr_t remember_reason(hid_t stack, void*) {
  last_reason().clear();
  return H5Ewalk2(stack, H5E_WALK_UPWARD, find_reason, &last_reason());
}

bool write_scalar(hid_t object, const char* name, hid_t file_type, hid_t memory_type,
                  const void* value) {
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Hdf5Handle attribute(H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT),
                             H5Aclose);
  return attribute && H5Awrite(attribute, memory_type, value) >= 0;
}

Hdf5Handle open_scalar(hid_t object, const char* name) {
  if (H5Aexists(object, name) <= 0) return {};
  Hdf5Handle attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose);
  const Hdf5Handle space(attribute ? H5Aget_space(attribute) : H5I_INVALID_HID, H5Sclose);
  if (!space || H5Sget_simple_extent_npoints(space) != 1) return {};
  return attribute;
}

template <class T>
std::optional<T> read_scalar(hid_t object, const char* name, hid_t memory_type) {
  T value{};
  const Hdf5Handle attribute = open_scalar(object, name);
  if (!attribute || H5Aread(attribute, memory_type, &value) < 0) return std::nullopt;
  return value;
}

}  // namespace

void prepare_hdf5() {
  H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, remember_reason, nullptr);
}

std::string hdf5_reason() { return last_reason().empty() ? "HDF5 gives no reason" : last_reason(); }

Hdf5Handle text_type(std::size_t bytes) {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  if (H5Tset_size(type, bytes) < 0 || H5Tset_strpad(type, H5T_STR_NULLPAD) < 0 ||
      H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
    return {};
  }
  return type;
}

bool write_attribute(hid_t object, const char* name, std::string_view text) {
  const std::string padded(text.empty() ? std::string_view("\0", 1) : text);
  const Hdf5Handle type = text_type(padded.size());
  return type && write_scalar(object, name, type, type, padded.data());
}

bool write_attribute(hid_t object, const char* name, std::int32_t value) {
  return write_scalar(object, name, H5T_STD_I32LE, H5T_NATIVE_INT32, &value);
}

bool write_attribute(hid_t object, const char* name, std::int64_t value) {
  return write_scalar(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

bool write_attribute(hid_t object, const char* name, std::uint64_t value) {
  return write_scalar(object, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &value);
}

bool write_attribute(hid_t object, const char* name, double value) {
  return write_scalar(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

bool rewrite_attribute(hid_t object, const char* name, std::int64_t value) {
  const Hdf5Handle attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose);
  return attribute && H5Awrite(attribute, H5T_NATIVE_INT64, &value) >= 0;
}

std::optional<std::string> read_text_attribute(hid_t object, const char* name) {
  const Hdf5Handle attribute = open_scalar(object, name);
  const Hdf5Handle type(attribute ? H5Aget_type(attribute) : H5I_INVALID_HID, H5Tclose);
  if (!type || H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0) {
    return std::nullopt;
  }
  std::string text(H5Tget_size(type), '\0');
  if (H5Aread(attribute, type, text.data()) < 0) return std::nullopt;
  text.resize(std::min(text.size(), text.find('\0')));
  return text;
}

std::optional<std::int64_t> read_integer_attribute(hid_t object, const char* name) {
  return read_scalar<std::int64_t>(object, name, H5T_NATIVE_INT64);
}

std::optional<std::uint64_t> read_unsigned_attribute(hid_t object, const char* name) {
  return read_scalar<std::uint64_t>(object, name, H5T_NATIVE_UINT64);
}

std::optional<double> read_number_attribute(hid_t object, const char* name) {
  return read_scalar<double>(object, name, H5T_NATIVE_DOUBLE);
}

}  // namespace phoenix
