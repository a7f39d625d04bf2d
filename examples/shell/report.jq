# Prints what became of a call.
#
# Errors come in two forms. Over Connect a code is a word, and a detail is Protobuf in base64, with
# the same as JSON under `debug`. grpcurl prints the code's number, and details as JSON.
def detail($type):
  .details[]
  | if .["@type"] then select(.["@type"] == "type.googleapis.com/" + $type)
    else select(.type == $type).debug
    end;

def reason: detail("google.rpc.ErrorInfo").reason;

if .partner then
  (.partner.invitationStatus | ltrimstr("INVITATION_STATUS_") | ascii_downcase) as $invitation
  | "created \(.partner.companyName) \($invitation)"
elif .code == "invalid_argument" or .code == 3 then
  "invalid_argument \(reason) \(detail("google.rpc.BadRequest").fieldViolations[].field)"
elif .code == "permission_denied" or .code == 7 then
  "permission_denied \(reason)"
else
  error(tojson)
end
