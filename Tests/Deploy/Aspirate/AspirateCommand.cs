using System.Text;

namespace InferenceTemplate.Tests.Deploy.Aspirate;

/// <summary>
/// A program in place of <c>aspirate</c>, which needs a container engine: it takes and refuses arguments as <c>aspirate generate</c> 9.1.0
/// does, says so in its words, and puts what <see cref="Generation"/> wrote (the folder GENERATED) where it is told to.
/// </summary>
internal static class AspirateCommand
{
    // What takes a value once, what is a switch whose value may be left out, and what may come several times: each with all its names.
    private static readonly string[] s_single =
    [
        "--launch-profile -lp", "--project-path -p", "--aspire-manifest -m", "--output-path -o", "--container-builder",
        "--container-build-context -cbc", "--container-registry -cr", "--container-repository-prefix -crp", "--image-pull-policy",
        "--namespace", "--output-format", "--runtime-identifier", "--secret-password", "--private-registry-url",
        "--private-registry-username", "--private-registry-password", "--private-registry-email",
    ];

    private static readonly string[] s_switches =
    [
        "--non-interactive", "--disable-secrets", "--disable-state --no-state", "--skip-build",
        "--skip-final-kustomize-generation --skip-final -sf", "--prefer-dockerfile", "--private-registry",
        "--include-dashboard --with-dashboard", "--replace-secrets",
    ];

    private static readonly string[] s_multiple =
        ["--container-image-tag -ct", "--container-build-arg -cba", "--compose-build", "--parameter -pa"];

    // A switch takes the next argument unless that is an option; others take whatever follows.
    private const string Parser = """
        refuse() { printf '%s\n' "$1" >&2; exit 1; }
        [ "${1-}" = generate ] || refuse 'Required command was not provided.'
        shift
        declare -A values first
        while [ $# -gt 0 ]; do
          given=$1 name=${1%%[=:]*}
          shift
          read -r option kind <<<"${options[$name]-}"
          [ -n "$option" ] || refuse "Unrecognized command or argument '$given'."
          if [ "$name" != "$given" ]; then value=${given#"$name"?}
          elif [ $# -eq 0 ] || { [ "$kind" = switch ] && [[ $1 == -* ]]; }; then value=
          else value=$1; shift; fi
          [ -n "$value" ] || { [ "$kind" = switch ] && continue; } || refuse "Required argument missing for option: '$name'."
          [ -z "${values[$option]-}" ] || [ "$kind" = multiple ] ||
            refuse "Option '${first[$option]}' expects a single argument but 2 were provided."
          values[$option]=$value first[$option]=${first[$option]-$name}
        done
        mkdir -p "${values[--output-path]}" && cp -R "$GENERATED/." "${values[--output-path]}"
        """;

    /// <summary>The program, in Bash.</summary>
    public static string Body { get; } = Options() + Parser;

    private static string Options()
    {
        var table = new StringBuilder("declare -A options=(\n");
        foreach (var (kind, options) in new[] { ("single", s_single), ("switch", s_switches), ("multiple", s_multiple) })
        {
            foreach (var names in options.Select(option => option.Split(' ')))
            {
                foreach (var name in names) table.Append($"  [{name}]='{names[0]} {kind}'\n");
            }
        }

        return table.Append(")\n").ToString();
    }
}
