using InferenceTemplate.Tests.Shared;

[assembly: AssemblyFixture(typeof(Servers))]
