# Numbers, labels, texts and limits of issues.
token dev api
token plan api
token guest api
token stranger api
POST /projects/1/members {"user_id":$dev,"access_level":30}
POST /projects/1/members {"user_id":$plan,"access_level":15}
POST /projects/1/members {"user_id":$guest,"access_level":10}
=> 201
as dev
POST /projects/acme%2Fplatform/issues {"title":"Resize","labels":"cost, aws,cost"}
=> 201
= iid 1
= labels ["aws","cost"]
= description null
= author.username "dev"
= state "opened"
= subscribed true
= references {"full":"acme/platform#1","relative":"#1","short":"#1"}
= web_url "$base/acme/platform/-/work_items/1"
= weight null
~ "epic_iid":null
let before updated_at
# labels made by naming them
GET /projects/1/labels/cost
=> 200
= color "#6699cc"
= is_project_label true
# replace, then add, then remove; what is removed is never made
PUT /projects/1/issues/1 {"labels":["x","y"],"add_labels":"z","remove_labels":["y","never"]}
=> 200
= labels ["x","z"]
GET /projects/1/labels/never
=> 404 {"message":"404 Label Not Found"}
PUT /projects/1/issues/1 {"labels":""}
=> 200
= labels []
# scoped labels exclude each other on a paid tier: the last one wins
PUT /projects/1/issues/1 {"add_labels":["priority::high","priority::low"]}
= labels ["priority::low"]
PUT /projects/1/issues/1 {"add_labels":["priority::high"]}
= labels ["priority::high"]
PUT /projects/1/issues/1 {"remove_labels":"priority::high"}
=> 200
# a change without effect leaves updated_at; a change moves it
GET /projects/1/issues/1
let stamp updated_at
PUT /projects/1/issues/1 {"title":"Resize"}
= updated_at "$stamp"
PUT /projects/1/issues/1 {"title":"Resize it"}
= title "Resize it"

# What is wrong is said in Grape's and in the model's words.
POST /projects/1/issues {}
=> 400 {"error":"title is missing"}
POST /projects/1/issues {"title":""}
=> 400 {"message":{"title":["can't be blank"]}}
POST /projects/1/issues {"title":"x","confidential":"maybe"}
=> 400 {"error":"confidential is invalid"}
POST /projects/1/issues {"title":"x","confidential":null}
=> 400 {"error":"confidential is empty"}
POST /projects/1/issues {"title":"x","milestone_id":1,"milestone":"m","issue_type":"party"}
=> 400 {"error":"issue_type does not have a valid value, milestone_id, milestone are mutually exclusive"}
PUT /projects/1/issues/1 {}
=> 400 {"error":"assignee_id, assignee_ids, confidential, created_at, description, discussion_locked, due_date, start_date, labels, add_labels, remove_labels, milestone_id, milestone, severity, state_event, title, issue_type, weight, epic_id, epic_iid are missing, at least one parameter must be provided"}
PUT /projects/1/issues/1 {"due_date":"2026-01-01","start_date":"2026-02-01"}
=> 400
GET /projects/1/issues/one
=> 400 {"error":"issue_iid is invalid"}
GET /projects/1/issues/99
=> 404 {"message":"404 Not found"}
DELETE /projects/1/issues/99
=> 404 {"message":"404 Issue Not Found"}
POST /projects/1/issues {"title": 
=> 400
~ message body does not match declared format
limits {"text_bytes":1048576}
limits {"text_bytes":10}
POST /projects/1/issues {"title":"x","description":"12345678901"}
=> 400 {"message":{"description":["is too long (11 Bytes). The maximum size is 10 Bytes."]}}
limits {}

# Closing and reopening: idempotent, recorded, with events.
PUT /projects/1/issues/1 {"state_event":"reopen"}
=> 200
= state "opened"
PUT /projects/1/issues/1 {"state_event":"close"}
=> 200
= state "closed"
= closed_by.username "dev"
PUT /projects/1/issues/1 state_event=close
=> 200
GET /projects/1/issues/1/resource_state_events
^ X-Total: 1
= 0.state "closed"
= 0.source_commit null
PUT /projects/1/issues/1 {"state_event":"reopen"}
= closed_at null
GET /projects/1/issues/1/resource_label_events?per_page=1
=> 200
= 0.action "add"
= 0.label.name "cost"

# Guests: may file with labels that exist, may edit their own text, not its labels.
as guest
POST /projects/1/issues {"title":"from a guest","labels":["bug","made up"],"due_date":"2026-04-01"}
=> 201
let mine iid
= labels ["bug"]
= due_date "2026-04-01"
PUT /projects/1/issues/$mine {"title":"mine","labels":["x"],"state_event":"close"}
=> 200
= labels ["bug"]
= state "closed"
PUT /projects/1/issues/1 {"title":"not mine"}
=> 403 {"message":"403 Forbidden"}
POST /projects/1/labels {"name":"g","color":"red"}
=> 403 {"message":"403 Forbidden"}
# Planners may do all of it, but read no code
as plan
PUT /projects/1/issues/1 {"add_labels":["planned"],"assignee_ids":[$dev,$guest,$stranger,999]}
=> 200
= labels ["planned"]
= assignees.0.username "dev"
= assignees.1.username "guest"
GET /projects/1/repository/tree
=> 403 {"message":"403 Forbidden"}
PUT /projects/1/issues/1 {"assignee_ids":[0]}
= assignees []
= assignee null

# Owners alone choose iid and times.
as dev
POST /projects/1/issues {"title":"x","iid":77,"created_at":"2020-01-01T00:00:00Z"}
= iid 3
as root
POST /projects/1/issues {"title":"x","iid":77,"created_at":"2020-01-01T00:00:00Z"}
=> 201
= iid 77
= created_at "2020-01-01T00:00:00.000Z"
POST /projects/1/issues {"title":"x","iid":77}
=> 409 {"message":"Duplicated issue"}
POST /projects/1/issues {"title":"next"}
= iid 78

# Confidential issues are for Planners, their author and assignees.
as dev
POST /projects/1/issues {"title":"secret","confidential":"True"}
= confidential true
let secret iid
as guest
GET /projects/1/issues/$secret
=> 404 {"message":"404 Not found"}
GET /projects/1/issues?search=secret
=> 200 []

# Disabled, archived, pending deletion.
as root
PUT /projects/2 {"issues_enabled":false}
= issues_access_level "disabled"
POST /projects/2/issues {"title":"x"}
=> 403 {"message":"403 Forbidden"}
PUT /projects/2 {"issues_access_level":"enabled"}
POST /projects/2/issues {"title":"x"}
=> 201
POST /projects/2/archive
=> 201
= archived true
POST /projects/2/issues {"title":"x"}
=> 403
PUT /projects/2/issues/1 {"title":"y"}
=> 403
GET /projects/2/issues/1
=> 200
POST /projects/2/unarchive
=> 201
DELETE /projects/2
=> 202 {"message":"202 Accepted"}
POST /projects/2/issues {"title":"x"}
=> 403
GET /projects/2
=> 200
= marked_for_deletion_on "2026-04-01"
POST /projects/2/restore
=> 201

# Moving: a new issue, the old one closed and pointing at it.
POST /projects/1/issues/1/move {"to_project_id":2}
=> 201
= project_id 2
= iid 2
= title "Resize it"
let newid id
GET /projects/1/issues/1
= state "closed"
= moved_to_id $newid
POST /projects/1/issues/1/move {"to_project_id":2}
=> 400
as guest
POST /projects/1/issues/$mine/move {"to_project_id":1}
=> 400
as root
POST /projects/1/issues/3/clone {"to_project_id":2,"with_notes":true}
=> 201
= iid 3

# Deleting, with a condition.
header If-Unmodified-Since: Mon, 01 Jan 2020 00:00:00 GMT
DELETE /projects/1/issues/3
=> 412 {"message":"412 Precondition Failed"}
as dev
DELETE /projects/1/issues/78
=> 403
as root
DELETE /projects/1/issues/78
=> 204
GET /projects/1/issues/78
=> 404
# an iid is never given twice
POST /projects/1/issues {"title":"again"}
= iid 80
