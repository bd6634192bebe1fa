# Paths, moves and members.
token dev api
as dev
GET /groups
=> 200 []
as root
POST /groups/acme/members {"user_id":$dev,"access_level":20}
=> 201
= access_level 20
= username "dev"
POST /groups/acme/members {"user_id":$dev,"access_level":20}
=> 409 {"message":"Member already exists"}
POST /groups/acme/members {"access_level":20}
=> 400 {"error":"user_id, username are missing, at least one parameter must be provided"}
POST /groups/acme/members {"user_id":1,"username":"x","access_level":20}
=> 400 {"error":"user_id, username are mutually exclusive"}
POST /groups/acme/members {"username":"ghost","access_level":20}
=> 404 {"message":"404 User Not Found"}
POST /projects/1/members {"user_id":$dev,"access_level":10}
=> 400 {"message":{"access_level":["should be greater than or equal to Reporter inherited membership from group Acme"]}}
POST /projects/1/members {"user_id":$dev,"access_level":30,"expires_at":"2020-01-01"}
=> 400 {"message":{"expires_at":["cannot be a date in the past"]}}
GET /projects/1/members/$dev
=> 404 {"message":"404 Not found"}
GET /projects/1/members/all/$dev
=> 200
= access_level 20
PUT /groups/acme/members/$dev {"access_level":30}
= access_level 30
as dev
POST /projects/1/members {"user_id":1,"access_level":50}
=> 403

token keeper api
as root
POST /projects/2/members {"user_id":$keeper,"access_level":40}
=> 201
as keeper
POST /projects/2/members {"user_id":$dev,"access_level":50}
=> 403 {"message":"403 Forbidden"}
POST /projects/2/members {"user_id":$dev,"access_level":15}
=> 403 {"message":"403 Forbidden"}
POST /projects/2/members {"user_id":$dev,"access_level":40}
=> 201
as dev

# Case makes no difference; a slash must be encoded.
GET /projects/ACME%2fPlatForm
=> 200
= path_with_namespace "acme/platform"
= permissions.group_access.access_level 30
# a renamed project: GET is sent on, anything else refused
as root
PUT /projects/1 {"path":"core"}
=> 200
= path_with_namespace "acme/core"
GET /projects/acme%2Fplatform/issues?state=opened
=> 301 This resource has been moved permanently to $base/api/v4/projects/1/issues?state=opened
^ Location: $base/api/v4/projects/1/issues?state=opened
POST /projects/acme%2Fplatform/issues {"title":"x"}
=> 405 {"message":"Non GET methods are not allowed for moved projects"}
GET /projects/1
=> 200
# a new project at the old path ends the redirect
POST /projects {"name":"Platform","namespace_id":2}
=> 201
let p id
GET /projects/acme%2Fplatform
= id $p
# transfer
POST /groups {"name":"Other","path":"other"}
=> 201
let other id
PUT /projects/$p/transfer {"namespace":"other"}
=> 200
= path_with_namespace "other/platform"
GET /projects/acme%2Fplatform
=> 301
# groups are not redirected, their projects are
PUT /groups/$other {"path":"another"}
=> 200
GET /groups/other
=> 404 {"message":"404 Group Not Found"}
GET /projects/other%2Fplatform
=> 301
POST /groups {"name":"Dup","path":"acme"}
=> 400

# Visibility and external accounts.
PUT /projects/$p {"visibility":"internal"}
token ext api
PUT /users/$ext {"external":true}
as ext
GET /projects/$p
=> 404
as dev
GET /projects/$p
=> 200
POST /projects/$p/issues {"title":"from outside","labels":["nope"]}
=> 201
= labels []
as nobody
GET /projects/$p
=> 404
as root
PUT /projects/$p {"visibility":"public"}
as nobody
GET /projects/$p/issues
=> 200
GET /projects/$p
=> 200
POST /projects/$p/issues {"title":"x"}
=> 401

# Projects
as root
POST /projects {}
=> 400 {"error":"name, path are missing, at least one parameter must be provided"}
POST /projects {"path":"core","namespace_id":2}
=> 400 {"message":{"project_namespace.name":["has already been taken"],"name":["has already been taken"],"path":["has already been taken"]}}
POST /projects {"name":"Mine"}
=> 201
= namespace.kind "user"
= owner.username "root"
= empty_repo true
= default_branch null
GET /projects/1
~ "issues_enabled":true
= owner null
POST /users {"email":"dev@example.com","name":"x","username":"y","password":"x"}
=> 409 {"message":"Email has already been taken"}
POST /users {"email":"z@example.com","name":"x","username":"DEV","password":"x"}
=> 409 {"message":"Username has already been taken"}
POST /users {"email":"z@example.com","name":"x","username":"z"}
=> 400 {"error":"password, reset_password, force_random_password are missing, at least one parameter must be provided"}

# Sudo
header Sudo: dev
GET /user
= username "dev"
as dev
header Sudo: root
GET /user
=> 403 {"message":"403 Forbidden - Must be admin to use sudo"}

# Labels
as root
POST /groups/acme/labels {"name":"org","color":"blue","description":"all of us"}
=> 201
= color "#0000ff"
POST /projects/1/labels {"name":"org","color":"#fff"}
=> 409 {"message":"Label already exists"}
POST /projects/1/labels {"name":"a,b","color":"#fff"}
=> 400 {"message":{"title":["is invalid"]}}
POST /projects/1/labels {"name":"a","color":"greenish"}
=> 400 {"message":{"color":["must be a valid color code"]}}
POST /projects/1/labels {"name":"a"}
=> 400 {"error":"color is missing"}
GET /projects/1/labels?search=org&with_counts=True
= 0.is_project_label false
= 0.open_issues_count 0
PUT /projects/1/labels name=bug&new_name=defect
=> 200
= name "defect"
DELETE /projects/1/labels name=defect
=> 204
POST /projects/1/milestones {"title":"Q2","due_date":"2026-06-30"}
=> 201
let m id
POST /projects/1/issues {"title":"planned","milestone_id":$m,"description":""}
= milestone.title "Q2"
= description ""
let i iid
PUT /projects/1/issues/$i {"milestone_id":999}
= milestone.title "Q2"
PUT /projects/1/issues/$i {"milestone_id":0}
= milestone null
GET /projects/1/issues/$i/resource_milestone_events
= 1.action "remove"
