# The matrix of 401, 403 and 404 (gitlab-api.md section 10), in GitLab's order.
as nobody
GET /user
=> 401 {"message":"401 Unauthorized"}
GET /version
=> 401 {"message":"401 Unauthorized"}
GET /projects/acme%2Fplatform
=> 404 {"message":"404 Project Not Found"}
GET /
=> 404 {"error":"404 Not Found"}
^ X-Sandbox-Unknown-Route:
GET /no/such/thing
=> 404 {"error":"404 Not Found"}
^ X-Sandbox-Unknown-Route: 1
PATCH /user {}
=> 405 {"error":"405 Not Allowed"}
GET /api/v3/user
=> 410 {"error":"API V3 is no longer supported. Use API V4 instead."}

# An unknown token is refused even where nobody need sign in.
header PRIVATE-TOKEN: nonsense
GET /projects
=> 401 {"message":"401 Unauthorized"}

# The four ways to pass a token.
token reader read_user
as reader
GET /user
=> 200
let id id
as nobody
header Authorization: Bearer ${base}
GET /user
=> 401 {"message":"401 Unauthorized"}
GET /projects?private_token=nonsense
=> 401 {"message":"401 Unauthorized"}

# Scopes.
as reader
GET /projects
=> 403 {"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api read_api"}
^ WWW-Authenticate:
GET /personal_access_tokens/self
=> 200
= scopes ["read_user"]
POST /personal_access_tokens/self/rotate
=> 403 {"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api self_rotate"}
token reader read_api
as reader
GET /projects
=> 200 []
POST /projects name=x
=> 403 {"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api"}

# Accounts.
token worker api
as root
POST /users/$worker/block
=> 201 true
as worker
GET /user
=> 403 {"message":"403 Forbidden - Your account has been blocked."}
as root
POST /users/$worker/unblock
=> 201
POST /users/$worker/deactivate
=> 201
as worker
GET /user
=> 403 {"message":"403 Forbidden - Your account has been deactivated by your administrator. Please log back in from a web browser to reactivate your account at $base"}
as root
POST /users/$worker/activate
=> 201

# A hidden project and an absent one look the same; so does a path without a slash.
as worker
GET /projects/acme%2Fplatform
=> 404 {"message":"404 Project Not Found"}
GET /projects/999
=> 404 {"message":"404 Project Not Found"}
GET /projects/platform
=> 404 {"message":"404 Project Not Found"}
GET /groups/acme
=> 404 {"message":"404 Group Not Found"}
POST /users {"email":"a@example.com","name":"a","username":"a","password":"x"}
=> 403 {"message":"403 Forbidden"}

# An expired token: said so, and before anything else.
as root
POST /users/$worker/personal_access_tokens {"name":"short","scopes":["api"],"expires_at":"2026-03-03"}
=> 201
let short token
wait 24h
as short
GET /user
=> 401 {"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}
^ WWW-Authenticate: Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description="Token is expired. You can either do re-authorization or token refresh."
