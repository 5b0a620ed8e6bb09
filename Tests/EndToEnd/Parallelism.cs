using Xunit.Sdk;
using Xunit.v3;

// Each class here starts a platform of its own: two at once would fight for the cores.
[assembly: Parallelization(Mode = ParallelMode.None)]
