# Notes, discussions, quick actions, links, reactions.
token dev api
token guest api
token ann api
POST /projects/1/members {"user_id":$dev,"access_level":30}
POST /projects/1/members {"user_id":$guest,"access_level":10}
POST /projects/1/members {"user_id":$ann,"access_level":30}
as dev
POST /projects/1/issues {"title":"One","description":"Text for @ann and @nobody\n\n`@root` is code\n\n/label ~bug\n/assign @ann"}
=> 201
= description "Text for @ann and @nobody\n\n`@root` is code"
= labels ["bug"]
= assignees.0.username "ann"
POST /projects/1/issues {"title":"Two"}

# A note, and a note of nothing but commands.
POST /projects/1/issues/1/notes {"body":"hello\n\n/estimate 1w 2d"}
=> 201
= body "hello"
= system false
= noteable_iid 1
= commands_changes {"estimate":"1w 2d"}
let n id
GET /projects/1/issues/1
= time_stats.human_time_estimate "1w 2d"
= user_notes_count 1
POST /projects/1/issues/1/notes {"body":"/close"}
=> 202 {"commands_changes":{"state_event":"close"},"summary":["Closed this issue."]}
GET /projects/1/issues/1
= state "closed"
# commands without permission are taken out, and do nothing
as guest
POST /projects/1/issues/1/notes {"body":"please\n\n/reopen\n/label ~finops"}
=> 201
= body "please"
GET /projects/1/issues/1
= state "closed"
= labels ["bug"]
# nor in code
as dev
POST /projects/1/issues/2/notes {"body":"```\n/close\n```"}
=> 201
= body "```\n/close\n```"
GET /projects/1/issues/2
= state "opened"
PUT /projects/1/issues/1/notes/$n {"body":"changed"}
=> 200
= body "changed"
PUT /projects/1/issues/1/notes/$n {"body":""}
=> 400 {"error":"body is empty"}
as guest
PUT /projects/1/issues/1/notes/$n {"body":"mine"}
=> 403
DELETE /projects/1/issues/1/notes/$n
=> 403
as dev
POST /projects/1/issues/1/notes {}
=> 400 {"error":"body is missing"}
POST /projects/1/issues/1/notes {"body":" "}
=> 400 {"message":"400 Bad request - Note {note: [\"can't be blank\"]}"}
POST /projects/1/issues/99/notes {"body":"x"}
=> 404 {"message":"404 Issue Not Found"}
GET /projects/1/issues/1/notes/9999
=> 404 {"message":"404 Not found"}

# Internal notes are for Planners and above.
POST /projects/1/issues/1/notes {"body":"between us","internal":true}
=> 201
= internal true
= confidential true
let hidden id
as guest
GET /projects/1/issues/1/notes/$hidden
=> 404
GET /projects/1/issues/1/notes?activity_filter=only_comments
=> 200
^ X-Total: 2
POST /projects/1/issues/1/notes {"body":"x","internal":1}
=> 403
as dev
GET /projects/1/issues/1/notes?activity_filter=only_comments&sort=asc
= 0.id $n
^ X-Total: 3
GET /projects/1/issues/1/notes?activity_filter=only_activity&sort=asc
= 0.system true

# Discussions.
POST /projects/1/issues/2/discussions body=thread
=> 201
= individual_note false
= notes.0.type "DiscussionNote"
let d id
POST /projects/1/issues/2/discussions/$d/notes {"body":"answer"}
=> 201
GET /projects/1/issues/2/discussions?per_page=100
= 1.notes.1.body "answer"
GET /projects/1/issues/2/discussions/none
=> 404 {"message":"404 Discussion Not Found"}

# Links.
POST /projects/1/issues/1/links target_project_id=acme%2Fplatform&target_issue_iid=2&link_type=blocks
=> 201
= link_type "blocks"
let l id
GET /projects/1/issues/2/links
= 0.link_type "is_blocked_by"
= 0.issue_link_id $l
GET /projects/1/issues/1
= blocking_issues_count 1
POST /projects/1/issues/1/links {"target_project_id":1,"target_issue_iid":2}
=> 409 {"message":"Issue(s) already assigned"}
DELETE /projects/1/issues/1/links/$l
=> 200
= id $l
GET /projects/1/issues/2/links
=> 200 []

# Reactions.
POST /projects/1/issues/1/award_emoji {"name":"thumbsup"}
=> 201
let a id
POST /projects/1/issues/1/award_emoji {"name":"thumbsup"}
=> 404 {"message":"404 Award Emoji Name has already been taken Not Found"}
GET /projects/1/issues/1
= upvotes 1
as guest
DELETE /projects/1/issues/1/award_emoji/$a
=> 401
as dev
DELETE /projects/1/issues/1/award_emoji/$a
=> 204

# To-dos come from mentions and assignments.
as ann
GET /todos
=> 200
^ X-Total: 2
POST /projects/1/issues/1/unsubscribe
=> 201
POST /projects/1/issues/1/unsubscribe
=> 304

# Limits of one issue.
as dev
limits {"notes_per_issue":3}
POST /projects/1/issues/1/notes {"body":"one too many"}
=> 400 {"message":"400 Bad request - Note {base: [\"Maximum number of comments exceeded\"]}"}

# Texts as GitLab's extractor leaves them, when asked for.
limits {"trim_texts":true}
PUT /projects/1/issues/2 {"description":"a\r\nb \n"}
= description "a\nb"
limits {}
PUT /projects/1/issues/2 {"description":"a\r\nb \n"}
= description "a\r\nb \n"
