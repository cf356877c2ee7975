#include "runtime/gateway/http_answer.h"

#include "runtime/http/message.h"

namespace phoenix::gateway {
namespace {

using http::Framing;

Framing framing_of(const HttpAnswer& answer, const Reply& reply, std::int64_t length, int status) {
  const bool forbidden = (status >= 100 && status < 200) || status == 204;
  if (forbidden || (answer.has_no_body && length < 0)) return Framing::kNone;
  if (length >= 0) return Framing::kLength;
  return reply.more && answer.minor_version > 0 ? Framing::kChunked : Framing::kClose;
}

// Of the body a GET would have, where that is known.
std::int64_t length_of(const HttpAnswer& answer, const Reply& reply) {
  if (reply.content_length >= 0 && (reply.more || answer.has_no_body)) return reply.content_length;
  if (reply.more || (answer.has_no_body && reply.body.empty())) return -1;
  return static_cast<std::int64_t>(reply.body.size());
}

}  // namespace

void render_reply(HttpAnswer& answer, const Reply& reply, std::string_view date, std::string& out) {
  const bool is_ours = !reply.from_node && reply.reason != FailureReason::kNone;
  if (is_ours) {
    return render_error(answer, status_of(reply.reason), to_text(reply.reason), date, out);
  }
  const int status = reply.status == 0 ? 200 : reply.status;
  if (status < 200) return render_error(answer, 502, "bad_status", date, out);
  http::ResponseForm form;
  form.status = status;
  form.headers = reply.headers;
  form.date = date;
  answer.has_no_body = answer.to_head || http::has_no_body("", status);
  form.content_length = length_of(answer, reply);
  form.framing = answer.framing = framing_of(answer, reply, form.content_length, status);
  if (answer.framing == Framing::kClose) answer.keeps = false;
  form.keep_alive = answer.keeps;
  form.minor_version = answer.minor_version;
  http::append_response_head(out, form);
  answer.is_complete = !reply.more;
  render_piece(answer, reply.body, !reply.more, out);
}

void render_piece(const HttpAnswer& answer, std::string_view piece, bool last, std::string& out) {
  if (answer.has_no_body) return;
  if (answer.framing != Framing::kChunked) {
    out.append(piece);
    return;
  }
  http::append_chunk(out, piece);
  if (last) http::append_last_chunk(out);
}

void render_error(HttpAnswer& answer, int status, std::string_view reason, std::string_view date,
                  std::string& out) {
  std::string body = R"({"error":")";
  body.append(reason).append("\"}\n");
  std::string lines = "Content-Type: application/json\r\nX-Phoenix-Reason: ";
  lines.append(reason).append("\r\n");
  if (status == 503) lines.append("Retry-After: 1\r\n");
  http::ResponseForm form;
  form.status = status;
  form.more_headers = lines;
  form.date = date;
  form.content_length = static_cast<std::int64_t>(body.size());
  form.keep_alive = answer.keeps;
  form.minor_version = answer.minor_version;
  http::append_response_head(out, form);
  if (!answer.to_head) out.append(body);
  answer.is_complete = true;
}

}  // namespace phoenix::gateway
