# Service accounts of a group, a project and the instance.
token boss api
token dev api
as root
GET /groups/acme?with_projects=false
let acme id
POST /groups/$acme/members {"user_id":$boss,"access_level":50}
=> 201
POST /groups/$acme/members {"user_id":$dev,"access_level":30}
=> 201
as dev
POST /groups/acme/service_accounts
=> 403 {"message":"403 Forbidden"}
as boss
POST /groups/acme/service_accounts {"name":"cxm","username":"cxm-bot"}
=> 201
let bot id
= name "cxm"
= username "cxm-bot"
~ "email":"cxm-bot@noreply.
POST /groups/acme/service_accounts
=> 201
~ "username":"service_account_group_${acme}_
= name "Service account user"
POST /groups/acme/service_accounts {"username":"cxm-bot","email":"other@example.com"}
=> 400 {"message":"400 Bad request - Username has already been taken"}
GET /groups/acme/service_accounts?order_by=username&sort=asc
=> 200
= 0.username "cxm-bot"
PATCH /groups/acme/service_accounts/$bot {"name":"cxm two","email":"team@example.com"}
=> 200
= name "cxm two"
= unconfirmed_email "team@example.com"
POST /groups/acme/service_accounts/$bot/personal_access_tokens {"scopes":["api"]}
=> 400 {"error":"name is missing"}
POST /groups/acme/service_accounts/$bot/personal_access_tokens {"name":"t","scopes":"api,self_rotate","expires_at":"2026-05-01"}
=> 201
let first token
let tid id
= expires_at "2026-05-01"
POST /groups/acme/service_accounts/$bot/personal_access_tokens {"name":"t","scopes":["api"],"expires_at":"2029-01-01"}
=> 422
~ Expiration date must be before
GET /groups/acme/service_accounts/$bot/personal_access_tokens
=> 200
= 0.name "t"
POST /groups/acme/service_accounts/$bot/personal_access_tokens/$tid/rotate
=> 200
= expires_at "2026-03-09"
let second token
let tid2 id
as first
GET /user
=> 401
as second
GET /user
=> 200
= bot true
= external true
= can_create_group false
as boss
POST /groups/acme/service_accounts/$bot/personal_access_tokens/999/rotate
=> 404 {"message":"404 Not Found"}
DELETE /groups/acme/service_accounts/$bot/personal_access_tokens/999
=> 404 {"message":"404 Personal Access Token Not Found"}
GET /groups/acme/service_accounts/$dev/personal_access_tokens
=> 400 {"message":"400 Bad request - User is not of type Service Account"}
GET /groups/acme/service_accounts/999/personal_access_tokens
=> 404 {"message":"404 User Not Found"}
# without expiry, once the paid group has cleared the setting
PUT /groups/acme {"service_access_tokens_expiration_enforced":false}
=> 200
POST /groups/acme/service_accounts/$bot/personal_access_tokens/$tid2/rotate
=> 200
= expires_at null
DELETE /groups/acme/service_accounts/$bot
=> 204
as second
GET /user
=> 401

# Of a project: Maintainers may, and it can only be a member there.
as boss
POST /projects/acme%2Fshop/service_accounts {"name":"shop bot"}
=> 201
let shopbot id
~ "username":"service_account_project_2_
POST /projects/acme%2Fplatform/members {"user_id":$shopbot,"access_level":20}
=> 400
POST /projects/acme%2Fshop/members {"user_id":$shopbot,"access_level":20}
=> 201
= access_level 20
as dev
POST /projects/acme%2Fshop/service_accounts
=> 403

# Of the instance: administrators.
as boss
POST /service_accounts
=> 403
as root
POST /service_accounts {"name":"all"}
=> 201
GET /service_accounts
=> 200
^ X-Total: 3

# Ten a minute.
limits {"service_accounts":1}
POST /service_accounts {"name":"one"}
=> 201
POST /service_accounts {"name":"two"}
=> 429 {"message":{"error":"This endpoint has been requested too many times. Try again later."}}
^ Retry-After: 60
