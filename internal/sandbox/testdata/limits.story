# Both shapes of 429.
token dev api
POST /projects/1/members {"user_id":$dev,"access_level":30}
limits {"authenticated_api":2}
as dev
GET /user
=> 200
^ RateLimit-Limit: 2
^ RateLimit-Name: throttle_authenticated_api
^ RateLimit-Observed: 1
^ RateLimit-Remaining: 1
^ RateLimit-Reset: 1772445660
^ Retry-After:
GET /user
GET /user
=> 429 Retry later\n
^ Content-Type: text/plain
^ Retry-After: 60
^ RateLimit-Remaining: 0
^ RateLimit-ResetTime: Mon, 02 Mar 2026 10:01:00 GMT
# another user has a count of their own
as root
GET /user
=> 200
as dev
wait 61s
GET /user
=> 200

# Making issues: JSON, and no header at all.
limits {"issues_create":1,"notes_create":1,"search":1,"projects_api":1}
POST /projects/1/issues {"title":"x"}
=> 201
^ RateLimit-Limit:
POST /projects/1/issues {"title":"x"}
=> 429 {"message":{"error":"This endpoint has been requested too many times. Try again later."}}
^ Retry-After:
^ RateLimit-Limit:
POST /projects/1/issues/1/notes {"body":"x"}
=> 201
POST /projects/1/issues/1/notes {"body":"x"}
=> 429 {"message":{"error":"This endpoint has been requested too many times. Try again later."}}
^ Retry-After: 60
GET /projects/1/issues
GET /projects/1/issues?search=x
=> 200
GET /projects/1/issues?search=x
=> 429
^ Retry-After: 60
GET /projects
=> 200
GET /projects
=> 429
^ Retry-After: 600
wait 61s
POST /projects/1/issues {"title":"x"}
=> 201
limits {}
as nobody
limits {"unauthenticated_api":1}
GET /projects
GET /projects
=> 429 Retry later\n
^ RateLimit-Name: throttle_unauthenticated_api
