package org.example;

public class Core {
    public static void main(String[] args) {
        System.out.println("core");
    }
}
