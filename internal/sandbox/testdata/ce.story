# The Free tier: one assignee, no scoped exclusivity, no licensed keys.
token dev api
token ann api
POST /groups {"name":"Free","path":"free"}
= path "free"
let free id
POST /projects {"name":"p","namespace_id":$free,"initialize_with_readme":"true"}
=> 201
let p id
= default_branch "main"
= readme_url "$base/free/p/-/blob/main/README.md"
POST /projects/$p/members {"user_id":"$dev,$ann","access_level":30}
=> 201 {"status":"success"}
as dev
POST /projects/$p/issues {"title":"x","assignee_ids":[$ann,$dev],"labels":["k::a","k::b"],"weight":3}
=> 201
= assignees.0.username "ann"
= assignee.username "ann"
= assignees.1 null
= labels ["k::a","k::b"]
= weight null
PUT /projects/$p/issues/1 {"assignee_ids":[$dev,$ann]}
= assignees.0.username "dev"
GET /version
= version "19.3.0"
= enterprise false
POST /projects/$p/issues {"title":"y"}
POST /projects/$p/issues/1/links {"target_project_id":"$p","target_issue_iid":2,"link_type":"blocks"}
=> 403
as root
PUT /namespaces/$free {"plan":"premium"}
= plan "premium"
as dev
PUT /projects/$p/issues/1 {"assignee_ids":[$dev,$ann]}
= assignees.1.username "ann"

# Groups have no webhooks here, projects have.
as root
GET /groups/free/hooks
=> 404 {"error":"404 Not Found"}
POST /projects/$p/hooks {"url":"http://cxm.example.com"}
=> 201
