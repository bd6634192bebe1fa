package integration

// SignIn is how cxm is let in.
type SignIn string

// The ways in.
const (
	ByToken SignIn = "token" // a personal access token, made in the tracker
	ByOAuth SignIn = "oauth" // somebody signs in to the tracker and agrees
)

// Product is one entry of the catalogue: something cxm can be connected to, in
// one way.
type Product struct {
	ID          string // stable: "gitlab-token"
	Provider    Provider
	Name        string // as the catalogue shows it
	Category    string
	Description string
	SignIn      SignIn
	Needs       []Need // in the order in which they are asked for
	Command     string // that connects it; empty: it cannot be connected yet
	Missing     string // what it waits for; empty when it can be connected
}

// Need is something a connection needs from the person.
type Need struct {
	Name     string // stable: "url"
	Label    string // as a form shows it
	Hint     string
	Required bool
	Secret   bool // never shown, never an argument
}

// Catalog lists what cxm can be connected to.
func Catalog() []Product {
	instance := Need{Name: "url", Label: "GitLab Instance URL", Required: true, Hint: "gitlab.com, or the address of your own instance, with or without https://"}
	project := Need{Name: "project", Label: "Repository", Required: true, Hint: "where issues are created by default; chosen from a list once the account is known"}
	return []Product{
		{
			ID: "gitlab-oauth", Provider: GitLab, Name: "GitLab AI Agent", Category: "Issue tracking", SignIn: ByOAuth,
			Description: "Connects with one click: somebody signs in to GitLab and agrees. cxm then acts as that person, so a dedicated bot user should do it; a service account cannot sign in.",
			Needs: []Need{
				instance,
				{Name: "application_id", Label: "Application ID", Required: true, Hint: "of the OAuth application registered in the instance"},
				{Name: "application_secret", Label: "Application secret", Secret: true, Hint: "when the application is confidential"},
				project,
			},
			Command: "cxm connect gitlab --oauth",
		},
		{
			ID: "gitlab-token", Provider: GitLab, Name: "GitLab AI Agent (Personal Access Token)", Category: "Issue tracking", SignIn: ByToken,
			Description: "Connects with the token of a service account or a dedicated bot user: the recommended way, since it depends on nobody in person.",
			Needs: []Need{
				instance,
				{Name: "token", Label: "Personal Access Token", Required: true, Secret: true, Hint: "with the scope api; read_repository and write_repository for code, self_rotate so that cxm can renew it"},
				{Name: "ca_file", Label: "Certificate of a private authority", Hint: "PEM, when the instance's certificate is signed by an authority of your own"},
				{Name: "proxy", Label: "Proxy", Hint: "when the instance is reached through one"},
				project,
			},
			Command: "cxm connect gitlab",
		},
	}
}
