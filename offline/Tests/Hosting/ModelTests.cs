#pragma warning disable ASPIREPROBES001
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Tests.Offline.Hosting;

public sealed class ModelTests
{
    [Theory]
    [InlineData("--Parameters:a-key=v")]
    [InlineData("--Parameters:a_key=v")]
    public async Task Configuration_wins_over_the_default_of_a_parameter(string argument)
    {
        var parameter = SampleTopology.Builder(argument).AddParameter("a-key", new GenerateParameterDefault(), secret: true, persist: true);

        Assert.Equal("v", await parameter.Resource.GetValueAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Secret_parameter_cannot_be_published() =>
        Assert.Throws<ArgumentException>(() => SampleTopology.Builder().AddParameter("p", "v", publishValueAsDefault: true, secret: true));

    [Fact]
    public void Generated_value_has_the_asked_length_and_kinds()
    {
        var value = new GenerateParameterDefault { MinLength = 40, Special = false, Upper = false, MinNumeric = 30 }.GetDefaultValue();

        Assert.Matches("^[a-z0-9]{40}$", value);
        Assert.True(value.Count(char.IsAsciiDigit) >= 30, value);
    }

    [Fact]
    public async Task Expression_encodes_for_uris_and_keeps_braces()
    {
        var builder = SampleTopology.Builder();
        var secret = builder.AddParameter("secret", "p@ss/{w}");
        var expression = ReferenceExpression.Create($"{{x}}://{secret.Resource:uri}@{"a{b"}");

        Assert.Equal("{x}://p%40ss%2F%7Bw%7D@a{b", await expression.GetValueAsync(TestContext.Current.CancellationToken));
        Assert.Equal("{x}://{secret.value}@a{b", expression.ValueExpression);
    }

    [Fact]
    public void Probe_counts_for_health_and_a_second_check_of_its_path_is_refused()
    {
        var api = SampleTopology.Builder().AddProject<SampleTopology.InferenceApi>("api").WithHttpProbe(ProbeType.Liveness, "/alive");

        Assert.Equal("api_http_/alive_200_check", Assert.Single(api.Resource.Annotations.OfType<HealthCheckAnnotation>()).Key);
        Assert.Throws<DistributedApplicationException>(() => api.WithHttpHealthCheck("/alive"));
    }

    [Fact]
    public void Health_check_needs_an_http_endpoint()
    {
        var builder = SampleTopology.Builder();
        var bare = builder.AddProject<SampleTopology.InferenceApi>("api", o => o.ExcludeLaunchProfile = true);

        Assert.Throws<DistributedApplicationException>(() => bare.WithHttpHealthCheck());
        Assert.Throws<DistributedApplicationException>(() => builder.AddRedis("redis").WithHttpHealthCheck(endpointName: "tcp"));
    }

    [Fact]
    public void Waiting_for_a_database_waits_for_its_server_too()
    {
        var builder = SampleTopology.Builder();
        var database = builder.AddPostgres("pg").AddDatabase("db");
        var api = builder.AddProject<SampleTopology.InferenceApi>("api").WaitFor(database);

        Assert.Equal(["pg", "db"], api.Resource.Annotations.OfType<WaitAnnotation>().Select(w => w.Resource.Name));
        Assert.Throws<DistributedApplicationException>(() => api.WaitFor(api));
    }

    [Theory]
    [InlineData("9lives")]
    [InlineData("a--b")]
    [InlineData("a_b")]
    [InlineData("a-")]
    public void Names_that_are_no_host_names_are_refused(string name) =>
        Assert.Throws<ArgumentException>(() => SampleTopology.Builder().AddParameter(name));

    [Fact]
    public void Name_is_used_once()
    {
        var builder = SampleTopology.Builder();
        builder.AddParameter("one");

        Assert.Throws<DistributedApplicationException>(() => builder.AddRedis("ONE"));
    }
}
