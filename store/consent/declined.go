package consent

// Declined is an explicit no of the person. To the compiler it is as good as no answer: nothing leaves. Who shows a
// purpose tells the two apart, since after a no nobody asks again for a while.
const Declined State = "declined"
