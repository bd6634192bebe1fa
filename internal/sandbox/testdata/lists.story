# Lists: filters, search, pages.
token dev api
POST /projects/1/members {"user_id":$dev,"access_level":30}
as dev
POST /projects/1/issues {"title":"Idle disks","description":"<!-- costid: f9k2x7q1 --> two disks of us-east-1","labels":"cost,aws"}
POST /projects/1/issues {"title":"Resize instance","labels":"cost"}
POST /projects/1/issues {"title":"Alert"}
PUT /projects/1/issues/3 {"state_event":"close"}
GET /projects/1/issues?state=opened&order_by=created_at&sort=asc
= 0.title "Idle disks"
^ X-Total: 2
~ "severity":"UNKNOWN","moved_to_id"
GET /projects/1/issues?labels=cost,aws
^ X-Total: 1
GET /projects/1/issues?labels[]=cost
^ X-Total: 2
GET /projects/1/issues?labels=None
^ X-Total: 1
GET /projects/1/issues?not[labels]=aws
^ X-Total: 2
GET /projects/1/issues?iids[]=1&iids[]=3
^ X-Total: 2
GET /projects/1/issues?author_username=dev&scope=all&assignee_id=None
^ X-Total: 3
GET /projects/1/issues?with_labels_details=true&iids[]=2
= 0.labels.0.name "cost"
= 0.labels.0.text_color "#FFFFFF"
# full text: every word, by its beginning, comments too
GET /projects/1/issues?search=f9k2x7q1&in=description
^ X-Total: 1
GET /projects/1/issues?search=disk+idle
^ X-Total: 1
GET /projects/1/issues?search=inst
^ X-Total: 1
GET /projects/1/issues?search=idle&in=description
^ X-Total: 0
GET /projects/1/issues?search=%22idle+disks%22
^ X-Total: 1
GET /projects/1/issues?search=%22disks+idle%22
^ X-Total: 0
# search may lag
limits {"search_lag":5000000000}
wait 6s
PUT /projects/1/issues/2 {"title":"Downsize database"}
GET /projects/1/issues?search=database
^ X-Total: 0
GET /projects/1/issues?search=resize
^ X-Total: 1
wait 5s
GET /projects/1/issues?search=database
^ X-Total: 1
limits {}

GET /issues
^ X-Total: 3
GET /groups/acme/issues?state=closed
^ X-Total: 1
as root
GET /issues
=> 200 []
GET /issues?scope=all
^ X-Total: 3
as nobody
GET /issues
=> 401
as dev
GET /projects/1/issues_statistics?labels=cost
=> 200 {"statistics":{"counts":{"all":2,"closed":0,"opened":2}}}

# Pages.
GET /projects/1/issues?per_page=2
^ X-Per-Page: 2
^ X-Page: 1
^ X-Next-Page: 2
^ X-Prev-Page:
^ X-Total: 3
^ X-Total-Pages: 2
^ Link: <$base/api/v4/projects/1/issues?page=2&per_page=2>; rel="next", <$base/api/v4/projects/1/issues?page=1&per_page=2>; rel="first", <$base/api/v4/projects/1/issues?page=2&per_page=2>; rel="last"
GET /projects/1/issues?per_page=2&page=2
^ X-Next-Page:
^ X-Prev-Page: 1
GET /projects/1/issues?per_page=1000
^ X-Per-Page: 100
GET /projects/1/issues?per_page=0
=> 400 {"error":"per_page has a value not allowed"}
GET /projects/1/issues?page=-1
=> 400 {"error":"page does not have a valid value"}
GET /projects/1/issues?order_by=id
=> 400 {"error":"order_by does not have a valid value"}

# Keyset.
GET /projects/1/issues?pagination=keyset&per_page=2&sort=asc
=> 200
= 0.iid 1
= 1.iid 2
as root
GET /projects?pagination=keyset&order_by=name
=> 405 {"error":"Keyset pagination is not yet available for this type of request"}
GET /projects?pagination=keyset&order_by=id&sort=asc&per_page=1
= 0.id 1
^ Link: <$base/api/v4/projects?id_after=1&order_by=id&pagination=keyset&per_page=1&sort=asc>; rel="next"
GET /projects?pagination=keyset&order_by=id&sort=asc&per_page=1&id_after=2
=> 200 []
^ Link:
GET /projects?simple=true&search=shop
^ X-Total: 1
GET /projects?membership=true
^ X-Total: 2
GET /groups?owned=true
= 0.full_path "acme"
GET /namespaces?search=acme
= 0.kind "group"
= 0.plan "premium"
