# Rotation: 200, at once, and a reused token takes its whole family with it.
token owner api,self_rotate
as owner
POST /personal_access_tokens/self/rotate
=> 200
= name "t"
= scopes ["api","self_rotate"]
let second token
GET /user
=> 401 {"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}
as second
GET /user
=> 200
# elsewhere than on a rotate path a revoked token does no harm
as owner
GET /personal_access_tokens/self
=> 401
as second
POST /personal_access_tokens/self/rotate {"expires_at":"2026-06-01"}
=> 200
= expires_at "2026-06-01"
let third token
as owner
POST /personal_access_tokens/self/rotate
=> 401 {"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}
as third
GET /user
=> 401 {"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}

# By id: another's token is 401 to a user, absent is 404 to an administrator.
token owner api
as owner
GET /personal_access_tokens/1
=> 401 {"message":"401 Unauthorized"}
GET /personal_access_tokens?user_id=1
=> 401
GET /personal_access_tokens/self
=> 200
let id id
= active true
= expires_at "2027-03-02"
POST /personal_access_tokens/$id/rotate null
=> 200
let fourth token
as fourth
GET /personal_access_tokens?state=active
=> 200
= 0.name "t"
^ X-Total: 1
POST /personal_access_tokens/$id/rotate
=> 400 {"message":"400 Bad request - Token already revoked"}
POST /personal_access_tokens/self/rotate {"expires_at":"2030-01-01"}
=> 400 {"message":"400 Bad request - Expiration date must be before 2027-03-03"}
POST /user/personal_access_tokens {"name":"x","scopes":["api"]}
=> 400 {"error":"scopes does not have a valid value"}
DELETE /personal_access_tokens/self
=> 204
GET /user
=> 401
as root
GET /personal_access_tokens/999
=> 404 {"message":"404 Personal Access Token Not Found"}

# terraform sends "" for no date.
POST /users/$owner/personal_access_tokens {"name":"x","scopes":["api"],"expires_at":""}
=> 201
POST /users/$owner/personal_access_tokens {"scopes":["api"]}
=> 400 {"error":"name is missing"}
POST /users/$owner/personal_access_tokens {"name":"x","scopes":["everything"]}
=> 400 {"error":"scopes does not have a valid value"}
