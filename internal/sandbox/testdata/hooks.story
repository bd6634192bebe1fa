# Webhooks: who may, what they are made of, what is refused.
token owner api
token keeper api
token dev api
as root
POST /groups/acme/members {"user_id":$owner,"access_level":50}
=> 201
POST /projects/1/members {"user_id":$keeper,"access_level":40}
=> 201
POST /projects/1/members {"user_id":$dev,"access_level":30}
=> 201
as nobody
GET /projects/1/hooks
=> 401
as dev
GET /projects/1/hooks
=> 403 {"message":"403 Forbidden"}
POST /projects/1/hooks {"url":"http://cxm.example.com"}
=> 403 {"message":"403 Forbidden"}
as keeper
GET /projects/1/hooks
=> 200 []
GET /projects/2/hooks
=> 404 {"message":"404 Project Not Found"}
POST /projects/1/hooks {}
=> 400 {"error":"url is missing"}
POST /projects/1/hooks {"url":"cxm.example.com"}
=> 422 {"error":"Invalid url given"}
POST /projects/1/hooks {"url":"http://cxm.example.com/{key}"}
=> 422 {"error":"Invalid url given"}
POST /projects/1/hooks {"url":"http://cxm.example.com","signing_token":"whsec_short"}
=> 422 {"error":"Signing token is invalid"}
POST /projects/1/hooks {"url":"http://cxm.example.com","issues_events":"perhaps"}
=> 400 {"error":"issues_events is invalid"}
POST /projects/1/hooks {"url":"http://cxm.example.com","branch_filter_strategy":"none"}
=> 400 {"error":"branch_filter_strategy does not have a valid value"}
POST /projects/1/hooks {"url":"http://cxm.example.com","custom_headers":[{"key":"b","value":"c"},{"key":"a"}]}
=> 400 {"error":"custom_headers[1][value] is missing"}

# Secrets go in and never come out.
POST /projects/1/hooks {"url":"http://cxm.example.com/{key}","name":"cxm","issues_events":true,"note_events":"1","token":"a-secret","signing_token":"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","url_variables":[{"key":"key","value":"hidden"}],"custom_headers":[{"key":"X-Team","value":"hidden"}]}
=> 201
let hook id
= name "cxm"
= description null
= project_id 1
= push_events true
= issues_events true
= note_events true
= confidential_issues_events false
= enable_ssl_verification true
= branch_filter_strategy "wildcard"
= alert_status "executable"
= disabled_until null
= token_present true
= signing_token_present true
= url_variables [{"key":"key"}]
= custom_headers [{"key":"X-Team"}]
GET /projects/1/hooks/$hook
=> 200
= url "http://cxm.example.com/{key}"
= token null
= signing_token null
GET /projects/1/hooks
^ X-Total: 1
PUT /projects/1/hooks/$hook {}
=> 400 {"error":"No parameters provided"}
PUT /projects/1/hooks/$hook {"signing_token":"whsec_short"}
=> 422 {"message":{"signing_token":["is invalid"]}}
PUT /projects/1/hooks/$hook {"url":"nonsense"}
=> 422 {"error":"Invalid url given"}
PUT /projects/1/hooks/$hook {"emoji_events":true,"push_events":false}
=> 200
= emoji_events true
= push_events false
= signing_token_present true
# Another address does not get what was meant for the old one.
PUT /projects/1/hooks/$hook {"url":"http://other.example.com"}
=> 200
= token_present false
= signing_token_present false
= url_variables []
= custom_headers []

# Tests need something to speak of; triggers are GitLab's.
POST /projects/1/hooks/$hook/test/issues_events
=> 422 {"message":"Ensure the project has issues."}
POST /projects/1/hooks/$hook/test/note_events
=> 422 {"message":"Ensure the project has notes."}
POST /projects/1/hooks/$hook/test/nonsense
=> 400 {"error":"trigger does not have a valid value"}
GET /projects/1/hooks/$hook/events
=> 200 []
GET /projects/1/hooks/$hook/events?per_page=21
=> 400 {"error":"per_page does not have a valid value"}
GET /projects/1/hooks/$hook/events?status=good
=> 400 {"error":"status does not have a valid value"}
POST /projects/1/hooks/$hook/events/7/resend
=> 404 {"message":"404 Not found"}
limits {"hook_tests":1}
POST /projects/1/hooks/$hook/test/issues_events
=> 422
POST /projects/1/hooks/$hook/test/issues_events
=> 429 {"message":{"error":"This endpoint has been requested too many times. Try again later."}}
limits {}
DELETE /projects/1/hooks/$hook
=> 204
DELETE /projects/1/hooks/$hook
=> 404 {"message":"404 Not found"}

# Of a group: Owners, and GitLab Premium.
GET /groups/acme/hooks
=> 403 {"message":"403 Forbidden"}
as owner
POST /groups/acme/hooks {"url":"http://cxm.example.com","issues_events":true,"subgroup_events":true}
=> 201
let ghook id
~ "group_id":
= subgroup_events true
= project_events false
= project_id null
GET /projects/1/hooks/$ghook
=> 404 {"message":"404 Not found"}
PUT /groups/acme/hooks/$ghook {"confidential_issues_events":true}
=> 200
= confidential_issues_events true
as root
GET /groups/acme
let acme id
PUT /namespaces/$acme {"plan":"free"}
=> 200
as owner
GET /groups/acme/hooks
=> 403 {"message":"403 Forbidden"}
