# Makes of aspire-manifest.json what aspirate is given: each parameter with its value from a file of lines NAME=VALUE ($secrets), those
# that only a cluster needs, and the projects by their full paths ($root): aspirate resolves others from the folder in which it runs.
# Values on a command line would be seen by all. A pod opens no more connections to Postgres than overlay/postgres.yaml has room for.
def values: $secrets | split("\n") | map(select(contains("=")) | capture("^(?<key>[^=]+)=(?<value>.*)$")) | from_entries;
values as $values
| .resources += { "scaling-token": { type: "parameter.v0" }, "data-protection-secret": { type: "parameter.v0" } }
| .resources.inference.connectionString += ";Maximum Pool Size=20"
| .resources.api.env.Scaling__Token = "{scaling-token.value}"
| (.resources.web // empty).env.DataProtection__Secret = "{data-protection-secret.value}"
| .resources |= with_entries(
    if .value.type == "project.v0" then .value.path = $root + "/" + .value.path
    elif .value.type != "parameter.v0" then .
    # They stand in connection strings as they are.
    elif ($values[.key] // "" | test("^[A-Za-z0-9]{24,}$")) then .value = { type: "parameter.v0", value: $values[.key] }
    else error("\(.key) has to be 24 or more letters and digits") end)
