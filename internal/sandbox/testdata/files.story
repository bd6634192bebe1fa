# Branches, files, tree and commits of a real repository.
token dev api
token reporter api
POST /projects/1/members {"user_id":$dev,"access_level":30}
POST /projects/1/members {"user_id":$reporter,"access_level":20}
as reporter
GET /projects/1/repository/branches
= 0.name "main"
= 0.default true
= 0.protected true
= 0.commit.title "Initial commit"
GET /projects/1/repository/files/README.md?ref=main
=> 200
= encoding "base64"
= content "IyBQbGF0Zm9ybQo="
= size 11
^ X-Gitlab-File-Name: README.md
^ X-Gitlab-Size: 11
HEAD /projects/1/repository/files/README%2Emd?ref=HEAD
=> 200
^ X-Gitlab-File-Path: README.md
GET /projects/1/repository/files/README.md/raw
=> 200 # Platform\n
GET /projects/1/repository/files/README.md
=> 400 {"error":"ref is missing"}
GET /projects/1/repository/files/none?ref=main
=> 404 {"message":"404 File Not Found"}
GET /projects/1/repository/files/README.md?ref=none
=> 404 {"message":"404 Commit Not Found"}
GET /projects/1/repository/tree?recursive=True
= 0.path "README.md"
= 0.mode "100644"
GET /projects/1/repository/commits
= 0.title "Initial commit"
let sha 0.id
GET /projects/1/repository/commits/$sha
= stats.additions 1
= status null
GET /projects/1/repository/commits/$sha/signature
=> 404 {"message":"404 Signature Not Found"}
POST /projects/1/repository/branches {"branch":"x","ref":"main"}
=> 403
as dev
POST /projects/1/repository/branches branch=feature%2Fa&ref=main
=> 201
= name "feature/a"
POST /projects/1/repository/branches {"branch":"feature/a","ref":"main"}
=> 400 {"message":"Branch already exists"}
POST /projects/1/repository/branches {"branch":"b","ref":"nowhere"}
=> 400 {"message":"Failed to create branch 'b': invalid reference name 'nowhere'"}
GET /projects/1/repository/branches/feature%2Fa
=> 200
HEAD /projects/1/repository/branches/feature%2Fa
=> 204
HEAD /projects/1/repository/branches/none
=> 404
DELETE /projects/1/repository/branches/feature%2Fa
=> 204
GET /projects/1/repository/branches/feature%2Fa
=> 404 {"message":"404 Branch Not Found"}
as root
POST /projects {"name":"Empty","namespace_id":2}
let e id
GET /projects/$e/repository/branches
=> 200 []
GET /projects/$e/repository/tree
=> 404 {"message":"404 Tree Not Found"}
POST /projects/$e/repository/branches {"branch":"first","ref":"main"}
=> 201
GET /projects/$e
= default_branch "main"
